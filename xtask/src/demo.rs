//! The example application, served with local stand-ins for Clerk and the backends and with a real Triplit server,
//! until Ctrl-C. Everything listens on the loopback address only, and nothing of it outlives this process.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::command::program;
use crate::paths::Paths;
use crate::progress::note;
use crate::{Outcome, build, tools};

/// What one would add to the session token in Clerk's dashboard: Instant knows its users by their address.
const SESSION_CLAIMS: &str = r#"{"sessionClaims": {
    "email": "{{user.primary_email_address}}",
    "email_verified": "{{user.email_verified}}"
}}"#;

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
    let page = paths.app().join("dist");

    println!("==> demo");
    let mut cloud = program(paths.target.join("debug/local-cloud"), &paths.root);
    cloud.args(["--port", port, "--static"]).arg(&page).arg("--clerk-js").arg(clerk_js);
    let cloud = Server::start("local-cloud", &mut cloud)?;
    post(&cloud.url, "/__control/tokens", SESSION_CLAIMS)?;

    let jwks = format!("{}/__clerk/.well-known/jwks.json", cloud.url);
    let mut triplit = program("node", &paths.root);
    triplit.args(["www-example/triplit-server/server.mjs", "--jwks", &jwks]);
    let triplit = Server::start("the Triplit server", &mut triplit)?;
    // Beside the page, which asks for it; the next build empties that folder.
    fs::write(page.join("local.json"), format!("{{\"triplit\":\"{}\"}}\n", triplit.url))
        .map_err(|e| format!("the page cannot be told where Triplit is: {e}"))?;

    note(format_args!("open {}   (Ctrl-C ends it)", cloud.url));
    cloud.wait()
}

/// A server that ends when its standard input closes, so it cannot outlive this process however that ends.
struct Server {
    name: &'static str,
    url: String,
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Server {
    /// Comes back when the server has said where it listens.
    fn start(name: &'static str, command: &mut Command) -> Outcome<Self> {
        let lost = |e| format!("{name} could not be started: {e}");
        command.arg("--exit-with-stdin").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(lost)?;
        let mut output = BufReader::new(child.stdout.take().ok_or(format!("{name} has no output"))?);
        let mut line = String::new();
        output.read_line(&mut line).map_err(lost)?;
        let url = address(&line).ok_or(format!("{name} did not say where it listens"))?.to_owned();
        Ok(Self { name, url, child, output })
    }

    /// Shows what the server says, until it ends.
    fn wait(mut self) -> Outcome {
        for line in self.output.by_ref().lines().map_while(Result::ok) {
            note(line);
        }
        let status = self.child.wait().map_err(|e| format!("{} was lost: {e}", self.name))?;
        if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", self.name)) }
    }
}

/// The address in the line of JSON that says a server is ready.
fn address(line: &str) -> Option<&str> {
    line.split_once("\"url\":\"")?.1.split_once('"').map(|(url, _)| url)
}

/// One request to a server on this machine.
fn post(url: &str, path: &str, body: &str) -> Outcome {
    let host = url.trim_start_matches("http://");
    let failed = |e| format!("{path} could not be asked: {e}");
    let mut connection = TcpStream::connect(host).map_err(failed)?;
    let length = body.len();
    write!(connection, "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n{body}")
        .map_err(failed)?;
    let mut answer = String::new();
    BufReader::new(connection).read_line(&mut answer).map_err(failed)?;
    if answer.contains(" 200 ") { Ok(()) } else { Err(format!("{path} was answered with {}", answer.trim())) }
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
