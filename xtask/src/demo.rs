//! The example application, served with local stand-ins for Clerk and the backends, until Ctrl-C.
//! Everything listens on the loopback address only, and nothing of it outlives this process.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::command::program;
use crate::paths::Paths;
use crate::progress::note;
use crate::{Outcome, build, tools};

/// Build, serve, wait.
pub fn demo(paths: &Paths, arguments: &[String]) -> Outcome {
    let port = match arguments {
        [] => "0",
        [option, port] if option == "--port" => port.as_str(),
        _ => return Err("`cargo xtask demo` takes `--port N` and nothing else".into()),
    };
    build::package(paths)?;
    build::app(paths)?;
    build::local_cloud(paths)?;
    let clerk_js = tools::clerk_js(paths)?;

    println!("==> demo");
    // The server ends when its standard input closes, so it cannot outlive this process however that ends.
    let mut server = program(paths.target.join("debug/local-cloud"), &paths.root)
        .args(["--exit-with-stdin", "--port", port, "--static"])
        .arg(paths.app().join("dist"))
        .arg("--clerk-js")
        .arg(clerk_js)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("local-cloud could not be started: {e}"))?;
    let stdout = server.stdout.take().ok_or("local-cloud has no output")?;
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        match address(&line) {
            Some(url) => note(format_args!("open {url}   (Ctrl-C ends it)")),
            None => note(line),
        }
    }
    let status = server.wait().map_err(|e| format!("local-cloud was lost: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("local-cloud ended with {status}")) }
}

/// The address in the line of JSON that says the server is ready.
fn address(line: &str) -> Option<&str> {
    line.split_once("\"url\":\"")?.1.split_once('"').map(|(url, _)| url)
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn the_ready_line_names_the_address() {
        assert_eq!(address(r#"{"ready":true,"url":"http://localhost:8123"}"#), Some("http://localhost:8123"));
        assert_eq!(address("listening"), None);
    }
}
