//! Every check of the project, in one run that goes on after a failure and ends with a table.
//! It must never leave a part out silently: what cannot run has failed.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::command::{cargo, program, run};
use crate::paths::{Paths, path_with};
use crate::progress::{seconds, step};
use crate::tools::{self, WASM_TARGET};
use crate::{Outcome, build, size};

/// A group of checks that can be asked for by name.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Native,
    Wasm,
    Ts,
    E2e,
    Size,
}

/// What a check needs to have happened before.
#[derive(PartialEq)]
enum Needs {
    Nothing,
    Package,
}

struct Check {
    name: &'static str,
    parts: &'static [Part],
    needs: Needs,
    work: fn(&Paths) -> Outcome,
}

/// The step whose success `Needs::Package` asks for.
const PACKAGE: &str = "package";

const CHECKS: &[Check] = &[
    Check {
        name: "tools",
        parts: &[Part::Wasm, Part::Ts, Part::E2e, Part::Size],
        needs: Needs::Nothing,
        work: tools::all,
    },
    Check { name: "format", parts: &[Part::Native], needs: Needs::Nothing, work: format },
    Check { name: "clippy, native", parts: &[Part::Native], needs: Needs::Nothing, work: clippy_native },
    Check { name: "tests, native", parts: &[Part::Native], needs: Needs::Nothing, work: tests_native },
    Check { name: "clippy, wasm", parts: &[Part::Wasm], needs: Needs::Nothing, work: clippy_wasm },
    Check {
        name: "tests, wasm in Chromium",
        parts: &[Part::Wasm],
        needs: Needs::Nothing,
        work: wasm_in_chromium,
    },
    Check {
        name: "tests, wasm in Firefox",
        parts: &[Part::Wasm],
        needs: Needs::Nothing,
        work: wasm_in_firefox,
    },
    Check {
        name: PACKAGE,
        parts: &[Part::Ts, Part::E2e, Part::Size],
        needs: Needs::Nothing,
        work: build::package,
    },
    Check { name: "types", parts: &[Part::Ts], needs: Needs::Package, work: types },
    Check { name: "tests, TypeScript", parts: &[Part::Ts], needs: Needs::Package, work: tests_typescript },
    Check { name: "publint", parts: &[Part::Ts], needs: Needs::Package, work: publint },
    Check { name: "are the types wrong", parts: &[Part::Ts], needs: Needs::Package, work: attw },
    Check { name: "tests, end to end", parts: &[Part::E2e], needs: Needs::Package, work: tests_end_to_end },
    Check { name: "tests, packaging", parts: &[Part::E2e], needs: Needs::Package, work: tests_packaging },
    Check { name: "size", parts: &[Part::Size], needs: Needs::Package, work: size::size },
];

/// Run all checks, or those of one part.
pub fn test(paths: &Paths, arguments: &[String]) -> Outcome {
    let part = match arguments {
        [] => None,
        [name] => Some(part(name)?),
        _ => return Err("`cargo xtask test` takes one part at most".into()),
    };
    let mut results: Vec<(&str, Duration, Outcome)> = Vec::new();
    for check in CHECKS.iter().filter(|check| part.is_none_or(|part| check.parts.contains(&part))) {
        let begun = Instant::now();
        let no_package = results.iter().any(|(name, _, outcome)| *name == PACKAGE && outcome.is_err());
        let outcome = if check.needs == Needs::Package && no_package {
            Err("the package was not built".into())
        } else {
            step(check.name, || (check.work)(paths))
        };
        results.push((check.name, begun.elapsed(), outcome));
    }
    summary(&results)
}

fn part(name: &str) -> Outcome<Part> {
    Ok(match name {
        "native" => Part::Native,
        "wasm" => Part::Wasm,
        "ts" => Part::Ts,
        "e2e" => Part::E2e,
        "size" => Part::Size,
        other => {
            return Err(format!("there is no part `{other}`: native, wasm, ts, e2e, size"));
        }
    })
}

/// The table, and as the very last line the count that continuous integration reads.
fn summary(results: &[(&str, Duration, Outcome)]) -> Outcome {
    let failed = results.iter().filter(|(_, _, outcome)| outcome.is_err()).count();
    println!("\n==> summary");
    for (name, time, outcome) in results {
        let (word, why) = match outcome {
            Ok(()) => ("passed", ""),
            Err(why) => ("FAILED", why.as_str()),
        };
        println!("    {word}  {name:<26} {:>8}  {why}", seconds(*time));
    }
    println!("{} passed, {failed} failed", results.len() - failed);
    // The table has said it all.
    if failed == 0 { Ok(()) } else { Err(String::new()) }
}

fn format(paths: &Paths) -> Outcome {
    run(cargo(&paths.root).args(["fmt", "--all", "--check"]))
}

fn clippy_native(paths: &Paths) -> Outcome {
    run(cargo(&paths.root).args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

/// The properties draw the same cases in every run, so that a change is judged by what it changed; set
/// `PROPTEST_RNG_SEED` and `PROPTEST_CASES` to look further.
fn tests_native(paths: &Paths) -> Outcome {
    let seed = std::env::var("PROPTEST_RNG_SEED").unwrap_or_else(|_| "20261121".into());
    run(cargo(&paths.root).args(["test", "--workspace"]).env("PROPTEST_RNG_SEED", seed))
}

/// Both faces of the module: the class of wasm-bindgen, and the plain exports of the package.
fn clippy_wasm(paths: &Paths) -> Outcome {
    for what in [&["--lib", "--test", "browser"][..], &["--lib", "--no-default-features"]] {
        run(cargo(&paths.root)
            .args(["clippy", "--package", "clerk-bridge", "--target", WASM_TARGET])
            .args(what)
            .args(["--", "--deny", "warnings"]))?;
    }
    Ok(())
}

fn wasm_in_chromium(paths: &Paths) -> Outcome {
    let browser = tools::browser()?;
    // The runner prefers a geckodriver that the environment names.
    run(tests_wasm(paths)?.env("CHROMEDRIVER", browser.chromedriver).env_remove("GECKODRIVER"))
}

fn wasm_in_firefox(paths: &Paths) -> Outcome {
    let tools::Firefox { firefox, geckodriver } = tools::firefox(paths)?;
    // As root, Firefox refuses a home that is somebody else's, which is what containers of hosted runners have. So
    // the runner gets a home of its own, and cargo keeps the real one.
    let home = paths.target.join("firefox-home");
    fs::create_dir_all(&home).map_err(|e| format!("{} cannot be made: {e}", home.display()))?;
    run(tests_wasm(paths)?
        .arg("--config")
        .arg(format!("env.HOME.value={home:?}"))
        .args(["--config", "env.HOME.force=true"])
        .env("GECKODRIVER", geckodriver)
        .env("GECKODRIVER_ARGS", format!("--binary {firefox:?}")))
}

/// Both browsers run the same tests; which one does is told by the variable that names a driver.
fn tests_wasm(paths: &Paths) -> Outcome<Command> {
    let mut command = cargo(&paths.root);
    command
        .args(["test", "--package", "clerk-bridge", "--target", WASM_TARGET, "--test", "browser"])
        .env("PATH", path_with(&tools::wasm_bindgen(paths)?)?)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    Ok(command)
}

fn types(paths: &Paths) -> Outcome {
    run(program(paths.npm_bin("tsc"), &paths.root).args(["--project", "pkg-template", "--noEmit"]))
}

fn tests_typescript(paths: &Paths) -> Outcome {
    npm_test(paths, "pkg-template", &[])
}

fn publint(paths: &Paths) -> Outcome {
    let missing: Vec<_> = build::TEXTS.iter().filter(|name| !paths.pkg().join(name).is_file()).collect();
    if !missing.is_empty() {
        return Err(format!("the package lacks {missing:?}"));
    }
    run(program(paths.npm_bin("publint"), &paths.root).args(["run", "--strict"]).arg(paths.pkg()))
}

fn attw(paths: &Paths) -> Outcome {
    // The wasm file is a subpath without types, by design.
    run(program(paths.npm_bin("attw"), &paths.root).arg("--pack").arg(paths.pkg()).args([
        "--profile",
        "esm-only",
        "--exclude-entrypoints",
        "clerk_bridge.wasm",
    ]))
}

fn tests_end_to_end(paths: &Paths) -> Outcome {
    build::local_cloud(paths)?;
    build::app(paths)?;
    npm_test(paths, "tests/e2e", &surroundings(paths)?)
}

fn tests_packaging(paths: &Paths) -> Outcome {
    npm_test(paths, "tests/packaging", &surroundings(paths)?)
}

fn npm_test(paths: &Paths, workspace: &str, variables: &[(&str, PathBuf)]) -> Outcome {
    if !paths.root.join(workspace).join("package.json").is_file() {
        return Err(format!("{workspace} has no package.json"));
    }
    let variables = variables.iter().map(|(name, place)| (*name, OsString::from(place)));
    run(program("npm", &paths.root).args(["test", "--workspace", workspace]).envs(variables))
}

/// What tests that drive a browser are told about the machine.
pub fn surroundings(paths: &Paths) -> Outcome<[(&'static str, PathBuf); 5]> {
    Ok([
        ("LOCAL_CLOUD_BIN", paths.target.join("debug/local-cloud")),
        ("CHROMIUM", tools::browser()?.chromium),
        ("CLERK_JS_DIST", tools::clerk_js(paths)?),
        ("PKG_DIR", paths.pkg()),
        ("APP_DIST", paths.app().join("dist")),
    ])
}
