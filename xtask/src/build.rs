//! From Rust and TypeScript to the npm package: cargo, wasm-opt, then the package's own build script.
//! Each stage is skipped when what it reads has not changed. It must never hand on wasm that an engine refuses.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::command::{cargo, program, run};
use crate::paths::Paths;
use crate::progress::{note, step};
use crate::tools::{self, WASM_TARGET};

/// The name of the library, hence of the wasm file.
const LIBRARY: &str = "clerk_bridge";

/// What the package carries from the root of the project.
pub const TEXTS: [&str; 3] = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// As long as an rlib is built beside it, cargo leaves the link-time optimisation out. Strength reduction gives loops more
/// variables, which takes a fiftieth of the module.
const CARGO: &[&str] = &["--crate-type", "cdylib", "--", "-Cllvm-args=-disable-lsr"];

/// `-Oz` needs no feature flags: the module carries its `target_features` section, because nothing strips it before.
/// `--all-features` would let the optimiser use types that engines do not have. Low memory is the far end of the
/// stack. The exports that start with `__` are the linker's.
const WASM_OPT: &[&str] = &[
    "--low-memory-unused",
    "--remove-exports=__*",
    "-O3",
    "--flatten",
    "--rereloop",
    "-Oz",
    "-Oz",
    "--converge",
    "--strip-debug",
    "--strip-producers",
    "--strip-target-features",
];

/// Makes a module for the bundler of the result.
const INLINE: &str = include_str!("inline_wasm.mjs");

/// The finished npm package in `pkg/`.
pub fn package(paths: &Paths) -> Outcome {
    tools::npm_packages(paths)?;
    wasm(paths)?;
    step("npm package", || {
        let sources = [paths.wasm(), paths.root.join("pkg-template"), paths.root.join("package-lock.json")];
        let texts = TEXTS.map(|name| paths.root.join(name));
        let inputs = fingerprint(sources.iter().chain(&texts), &[])?;
        let manifest = paths.pkg().join("package.json");
        fresh(paths, "pkg", inputs, &manifest, || {
            run(program("node", &paths.root).arg("pkg-template/build.mjs"))
        })?;
        link(paths)
    })
}

/// The example application, against the finished package.
pub fn app(paths: &Paths) -> Outcome {
    if !paths.app().join("package.json").is_file() {
        return Err("www-example/app has no package.json".into());
    }
    step("example application", || {
        run(program("npm", &paths.root).args(["run", "build", "--workspace", "www-example/app"]))
    })
}

/// The stand-in servers. A debug build: it starts sooner than an optimised one would be compiled.
pub fn local_cloud(paths: &Paths) -> Outcome {
    step("local-cloud", || {
        run(cargo(&paths.root).args(["build", "--package", "local-cloud", "--bin", "local-cloud"]))
    })
}

/// The core, optimised.
fn wasm(paths: &Paths) -> Outcome {
    tools::wasm_target(paths)?;
    step("wasm: cargo", || {
        // Without the standard library: its panic messages alone are a third of the module (src/lean.rs).
        let what = ["rustc", "--release", "--lib", "--package", "clerk-bridge", "--no-default-features"];
        run(cargo(&paths.root).args(what).args(["--target", WASM_TARGET]).args(CARGO))
    })?;
    step("wasm: optimise", || {
        let built = paths.target.join(WASM_TARGET).join("release").join(LIBRARY).with_extension("wasm");
        let inputs = fingerprint([&built], &[&[INLINE], WASM_OPT].concat())?;
        let module = paths.wasm().join(LIBRARY).with_extension("wasm");
        fresh(paths, "wasm", inputs, &module, || optimise(paths, &built, &module))
    })
}

fn optimise(paths: &Paths, built: &Path, module: &Path) -> Outcome {
    let folder = paths.wasm();
    fs::create_dir_all(&folder).map_err(|e| format!("{} cannot be made: {e}", folder.display()))?;
    let wasm_opt = paths.root.join("node_modules/binaryen/bin/wasm-opt");
    run(program("node", &paths.root).arg(wasm_opt).args(WASM_OPT).arg(built).arg("-o").arg(module))?;
    let inlined = folder.join(format!("{LIBRARY}_inlined.js"));
    run(program("node", &paths.root).args(["--input-type=module", "--eval", INLINE]).arg(module).arg(inlined))
}

/// Let the example and the end-to-end tests import the finished package, not the sources that npm linked.
fn link(paths: &Paths) -> Outcome {
    let name = paths.root.join("node_modules/clerk-bridge");
    let pkg = Path::new("../pkg");
    if fs::read_link(&name).is_ok_and(|to| to == pkg) {
        return Ok(());
    }
    if name.is_symlink() {
        fs::remove_file(&name).map_err(|e| format!("{} cannot be replaced: {e}", name.display()))?;
    }
    std::os::unix::fs::symlink(pkg, &name).map_err(|e| format!("{} cannot be linked: {e}", name.display()))
}

/// Do the work unless it was done for the same inputs and its result is still there. The record lies in the project,
/// like the result, wherever cargo puts its own.
fn fresh(paths: &Paths, name: &str, inputs: u64, result: &Path, work: impl FnOnce() -> Outcome) -> Outcome {
    let records = paths.root.join("target/xtask");
    let record = records.join(name).with_extension("inputs");
    let inputs = format!("{inputs:016x}");
    if result.exists() && fs::read_to_string(&record).is_ok_and(|done| done == inputs) {
        note("nothing changed");
        return Ok(());
    }
    work()?;
    fs::create_dir_all(&records)
        .and_then(|()| fs::write(&record, inputs))
        .map_err(|e| format!("{} cannot be written: {e}", record.display()))
}

/// A number that changes with the contents of these files and folders, or with these words.
fn fingerprint<'a>(places: impl IntoIterator<Item = &'a PathBuf>, words: &[&str]) -> Outcome<u64> {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    let mut pending: Vec<PathBuf> = places.into_iter().cloned().collect();
    while let Some(place) = pending.pop() {
        let unreadable = |e| format!("{} cannot be read: {e}", place.display());
        place.hash(&mut hasher);
        if place.is_dir() {
            let mut inside = fs::read_dir(&place)
                .and_then(|entries| {
                    entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()
                })
                .map_err(unreadable)?;
            inside.retain(|path| !path.ends_with("node_modules"));
            inside.sort();
            pending.append(&mut inside);
        } else if place.exists() {
            fs::read(&place).map_err(unreadable)?.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}
