//! What the chores need beyond cargo: the wasm target, wasm-bindgen's command line, npm packages, two browsers, clerk-js.
//! What is there already is used; what is missing is fetched once, in the version the project names.
//! It must never replace a tool that the machine already has.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::command::{cargo, program, read, run};
use crate::paths::{Paths, on_path};
use crate::progress::{note, step};

/// The target of the browser half.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The clerk-js that the stand-in serves to pages.
const CLERK_JS: &str = "6.34.1";

/// The geckodriver that is built where the machine has none; Debian does not package it.
const GECKODRIVER: &str = "0.37.1";

/// Prepare everything at once, so that nothing is fetched in the middle of a test run.
pub fn all(paths: &Paths) -> Outcome {
    wasm_target(paths)?;
    wasm_bindgen(paths)?;
    npm_packages(paths)?;
    browser()?;
    clerk_js(paths)?;
    firefox(paths)?;
    Ok(())
}

/// The standard library for wasm.
pub fn wasm_target(paths: &Paths) -> Outcome {
    let folder =
        read(program("rustc", &paths.root).args(["--print", "target-libdir", "--target", WASM_TARGET]))?;
    if Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    step("rust target", || run(program("rustup", &paths.root).args(["target", "add", WASM_TARGET])))
}

/// The folder of `wasm-bindgen` and `wasm-bindgen-test-runner`. Crate and tool refuse to work together
/// unless their versions are equal, so the version is the one of Cargo.lock.
pub fn wasm_bindgen(paths: &Paths) -> Outcome<PathBuf> {
    let version = locked_version(paths, "wasm-bindgen")?;
    let kept = paths.cache.join(format!("wasm-bindgen-{version}"));
    let candidates = [on_path(&["wasm-bindgen"]), Some(kept.join("bin/wasm-bindgen"))];
    let found = candidates.into_iter().flatten().find(|tool| {
        let runner = tool.with_file_name("wasm-bindgen-test-runner");
        runner.is_file() && version_of(tool).as_deref() == Some(version.as_str())
    });
    if let Some(folder) = found.as_deref().and_then(Path::parent) {
        return Ok(folder.to_path_buf());
    }
    step(&format!("wasm-bindgen {version}, once, some minutes"), || {
        cargo_install(paths, &["wasm-bindgen-cli", "--version", &version], &kept)
    })?;
    Ok(kept.join("bin"))
}

/// Build the programs of a crate into a folder of their own.
fn cargo_install(paths: &Paths, what: &[&str], folder: &Path) -> Outcome {
    let install = |locked: &[&str]| {
        let mut command = cargo(&paths.root);
        command.arg("install").args(what).args(locked).arg("--root").arg(folder);
        run(&mut command)
    };
    // The lock file that the tool was published with may name crates that a mirror does not have.
    install(&["--locked"]).or_else(|_| install(&[]))
}

/// The packages of package-lock.json, in node_modules.
pub fn npm_packages(paths: &Paths) -> Outcome {
    const TREE: &str = include_str!("npm_tree.mjs");
    let mut check = program("node", &paths.root);
    check.args(["--input-type=module", "--eval", TREE]).stdin(Stdio::null()).stdout(Stdio::null());
    let current = check.status().map_err(|why| format!("node 20.19 or newer is needed: {why}"))?;
    if current.success() {
        return Ok(());
    }
    step("npm packages", || run(program("npm", &paths.root).args(["ci", "--no-audit", "--no-fund"])))
}

/// Chromium, and the driver that speaks WebDriver to it.
pub struct Browser {
    pub chromium: PathBuf,
    pub chromedriver: PathBuf,
}

/// The Chromium of the machine; on Debian as root it is installed if missing.
pub fn browser() -> Outcome<Browser> {
    let installed = || {
        Some(Browser {
            chromium: named("CHROMIUM")
                .or_else(|| on_path(&["chromium", "chromium-browser", "google-chrome"]))?,
            chromedriver: named("CHROMEDRIVER").or_else(|| on_path(&["chromedriver"]))?,
        })
    };
    installed()
        .or_else(|| {
            apt_install("Chromium and ChromeDriver", &["chromium", "chromium-driver"]);
            installed()
        })
        .ok_or_else(|| {
            "Chromium and ChromeDriver of one version are needed: on Debian `apt-get install chromium chromium-driver`, \
             elsewhere install them and set CHROMIUM and CHROMEDRIVER to the programs"
                .into()
        })
}

/// Firefox, and the driver that speaks WebDriver to it.
pub struct Firefox {
    pub firefox: PathBuf,
    pub geckodriver: PathBuf,
}

/// The Firefox of the machine, as Chromium; its driver is built once if missing.
pub fn firefox(paths: &Paths) -> Outcome<Firefox> {
    let installed = || named("FIREFOX").or_else(|| on_path(&["firefox-esr", "firefox"]));
    let firefox = installed()
        .or_else(|| {
            apt_install("Firefox", &["firefox-esr"]);
            installed()
        })
        .ok_or(
            "Firefox is needed: on Debian `apt-get install firefox-esr`, elsewhere install it and set FIREFOX to the \
             program",
        )?;
    Ok(Firefox { firefox, geckodriver: geckodriver(paths)? })
}

fn geckodriver(paths: &Paths) -> Outcome<PathBuf> {
    let kept = paths.cache.join(format!("geckodriver-{GECKODRIVER}"));
    let built = kept.join("bin/geckodriver");
    let candidates = [named("GECKODRIVER"), on_path(&["geckodriver"]), Some(built.clone())];
    if let Some(found) = candidates.into_iter().flatten().find(|program| program.is_file()) {
        return Ok(found);
    }
    step(&format!("geckodriver {GECKODRIVER}, once, some minutes"), || {
        // It only hands commands on, so the build that takes half the time will do.
        let quick = ["--debug", "--config", "profile.dev.debug=false"];
        cargo_install(paths, &[&["geckodriver", "--version", GECKODRIVER], &quick[..]].concat(), &kept)
    })
    .map_err(|why| format!("{why}; install geckodriver and set GECKODRIVER to the program"))?;
    Ok(built)
}

/// A program that the environment names.
fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|program| program.is_file())
}

/// Install packages, as root on Debian. Whether they are there then is for the caller to see, who also knows what to
/// tell where they are not.
fn apt_install(what: &str, packages: &[&str]) {
    let is_root = fs::metadata("/proc/self").is_ok_and(|me| {
        use std::os::unix::fs::MetadataExt;
        me.uid() == 0
    });
    if !is_root || on_path(&["apt-get"]).is_none() {
        return;
    }
    let outcome = step(what, || {
        let apt_get = || program("apt-get", Path::new("/"));
        run(apt_get().arg("update"))?;
        run(apt_get()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"))
    });
    if let Err(why) = outcome {
        note(why);
    }
}

/// The `dist` folder of the real clerk-js. The package is unpacked alone: installed with its dependencies,
/// among them several wallets, it takes 600 MB that its bundled `dist` does not need.
pub fn clerk_js(paths: &Paths) -> Outcome<PathBuf> {
    let kept = paths.cache.join(format!("clerk-js-{CLERK_JS}"));
    let dist = kept.join("dist");
    if dist.join("clerk.browser.js").is_file() {
        return Ok(dist);
    }
    step(&format!("clerk-js {CLERK_JS}"), || {
        // Unpacked beside its place and moved there when whole: an interrupted download is never mistaken for one.
        let partial = paths.cache.join(format!("clerk-js-{CLERK_JS}.{}", std::process::id()));
        fs::create_dir_all(&partial).map_err(|e| format!("{} cannot be made: {e}", partial.display()))?;
        let package = format!("@clerk/clerk-js@{CLERK_JS}");
        let archive = read(program("npm", &partial).args(["pack", "--silent", &package]))?;
        run(program("tar", &partial).args(["-xzf", archive.trim(), "package/dist"]))?;
        if kept.exists() {
            fs::remove_dir_all(&kept).map_err(|e| format!("{} cannot be removed: {e}", kept.display()))?;
        }
        fs::rename(partial.join("package"), &kept).map_err(|e| format!("clerk-js cannot be kept: {e}"))?;
        fs::remove_dir_all(&partial).map_err(|e| format!("{} cannot be removed: {e}", partial.display()))?;
        note(format_args!("kept in {}", kept.display()));
        Ok(())
    })?;
    Ok(dist)
}

/// The version Cargo.lock gives a package.
fn locked_version(paths: &Paths, package: &str) -> Outcome<String> {
    let lock = paths.root.join("Cargo.lock");
    let text = fs::read_to_string(&lock).map_err(|e| format!("{} cannot be read: {e}", lock.display()))?;
    let name = format!("name = \"{package}\"");
    text.lines()
        .skip_while(|line| *line != name)
        .find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .ok_or_else(|| format!("Cargo.lock does not name {package}"))
}

/// The last word of `<tool> --version`, if it runs at all.
fn version_of(tool: &Path) -> Option<String> {
    let output = Command::new(tool).arg("--version").stdin(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.split_whitespace().last().map(str::to_owned)
}
