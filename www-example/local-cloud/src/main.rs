//! Runs the stand-ins on one loopback port and prints one line of JSON when they are ready.

use std::io::Write;
use std::process::ExitCode;

use local_cloud::Folders;
use local_cloud::server::Server;
use tokio::io::AsyncReadExt;

const USAGE: &str =
    "local-cloud: stand-ins for Clerk and the backends on 127.0.0.1, for tests and the example

  --port N             port to listen on; 0 (default) picks a free one
  --clerk-js DIR       dist folder of an installed @clerk/clerk-js, served below /__clerk/npm/
  --static DIR         a built page to serve; unknown paths answer with its index.html
  --exit-with-stdin    end when stdin closes, so that a test runner leaves no orphan";

struct Options {
    port: u16,
    folders: Folders,
    exit_with_stdin: bool,
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { port: 0, folders: Folders::default(), exit_with_stdin: false };
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--port" => options.port = value()?.parse().map_err(|_| "--port needs a number up to 65535")?,
            "--clerk-js" => options.folders.clerk_js = Some(value()?.into()),
            "--static" => options.folders.pages = Some(value()?.into()),
            "--exit-with-stdin" => options.exit_with_stdin = true,
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

/// Resolves when stdin closes; never, unless asked to watch it.
async fn stdin_closed(watch: bool) {
    if !watch {
        return std::future::pending().await;
    }
    let mut stdin = tokio::io::stdin();
    let mut buffer = [0; 256];
    while matches!(stdin.read(&mut buffer).await, Ok(read) if read > 0) {}
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let server = match Server::bind(options.port, options.folders).await {
        Ok(server) => server,
        Err(why) => {
            eprintln!("cannot listen on port {}: {why}", options.port);
            return ExitCode::FAILURE;
        }
    };
    let mut stdout = std::io::stdout();
    let ready = serde_json::json!({ "ready": true, "url": server.cloud.origin() });
    if writeln!(stdout, "{ready}").and_then(|()| stdout.flush()).is_err() {
        return ExitCode::FAILURE;
    }
    let running = tokio::spawn(server.run());
    stdin_closed(options.exit_with_stdin).await;
    running.abort();
    // Reading stdin occupies a thread that cannot be cancelled; leaving the process ends it.
    std::process::exit(0)
}
