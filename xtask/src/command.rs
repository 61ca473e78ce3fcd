//! Running other programs: the command line is shown, the output passes through, a bad end is an error.
//! No shell is involved, so that nothing is ever quoted or expanded.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Outcome;

/// A program to be run in `folder`.
pub fn program(name: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(name);
    command.current_dir(folder);
    command
}

/// The cargo that runs this chore.
pub fn cargo(folder: &Path) -> Command {
    program(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), folder)
}

/// Run to the end; anything but success is an error.
pub fn run(command: &mut Command) -> Outcome {
    let line = shown(command);
    println!("    $ {line}");
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` ended with {status}")),
        Err(why) => Err(format!("`{line}` could not be started: {why}")),
    }
}

/// Run quietly to the end and give what it printed.
pub fn read(command: &mut Command) -> Outcome<String> {
    let line = shown(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|why| format!("`{line}` could not be started: {why}"))?;
    if !output.status.success() {
        return Err(format!("`{line}` ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{line}` did not print text"))
}

/// The command line as a person would write it: paths relative to where it runs, scripts left out.
fn shown(command: &Command) -> String {
    let folder = command.get_current_dir().unwrap_or(Path::new("/"));
    let short = |word: &OsStr| match Path::new(word).strip_prefix(folder) {
        Ok(inside) => inside.display().to_string(),
        Err(_) => word.to_string_lossy().into_owned(),
    };
    let name = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = command.get_args().map(short);
    let words = words.map(|word| if word.contains('\n') { "'...'".into() } else { word });
    std::iter::once(short(name)).chain(words).collect::<Vec<_>>().join(" ")
}
