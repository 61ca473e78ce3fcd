//! `cargo xtask <chore>`: the one place that knows how the project is built, tested, measured and shown.
//! A chore prepares what it needs, tells what it does, and leaves its work for the next one to reuse.
//! It must never change a file under version control.

mod bench;
mod build;
mod command;
mod demo;
mod paths;
mod progress;
mod prove;
mod size;
mod test;
mod tools;

use std::process::ExitCode;

use paths::Paths;

/// What a chore, or a part of one, comes to. The message of a failure says what to do next.
type Outcome<T = ()> = Result<T, String>;

const USAGE: &str = "cargo xtask <chore>

  demo [--port N]   build everything and serve the example against local stand-ins; Ctrl-C ends it
  test [PART]       all checks, or one part: native, wasm, ts, e2e, size
  build             the npm package, into pkg/
  prove [--seed N] [--days N]
                    the model, the simulation of many tabs and the mutants, at length; one world again
  bench [ARGS]      the measurements that docs/performance.md quotes; `bench reliability [ROW]`: the
                    fault matrix of docs/reliability.md
  size              what an application downloads, against its budgets
  help              this text

Environment: CARGO_TARGET_DIR, XDG_CACHE_HOME, CHROMIUM, CHROMEDRIVER, FIREFOX, GECKODRIVER.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (chore, rest) = match arguments.split_first() {
        Some((chore, rest)) => (chore.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    let outcome = Paths::find().and_then(|paths| match chore {
        "demo" => demo::demo(&paths, rest),
        "test" => test::test(&paths, rest),
        "build" => build::package(&paths),
        "bench" => bench::bench(&paths, rest),
        "prove" => prove::prove(&paths, rest),
        "size" => build::package(&paths).and_then(|()| size::size(&paths)),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(format!("there is no chore `{other}`\n\n{USAGE}")),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            if !why.is_empty() {
                eprintln!("error: {why}");
            }
            ExitCode::FAILURE
        }
    }
}
