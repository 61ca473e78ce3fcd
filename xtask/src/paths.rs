//! Where things are: the project, what cargo built, and what may outlive a clean checkout.
//! It only names places; making and filling them is the business of whoever uses them.

use std::env;
use std::path::{Path, PathBuf};

use crate::Outcome;

/// The folders every chore works with, all absolute.
pub struct Paths {
    /// The root of the workspace.
    pub root: PathBuf,
    /// Cargo's target folder, wherever the caller put it.
    pub target: PathBuf,
    /// Tools and downloads shared by all checkouts of the project.
    pub cache: PathBuf,
}

impl Paths {
    /// Works from any folder of the workspace, because cargo says where this package is.
    pub fn find() -> Outcome<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().ok_or("xtask must lie inside the workspace")?.to_path_buf();
        let here = env::current_dir().map_err(|e| format!("the current folder cannot be read: {e}"))?;
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| here.join(dir));
        let cache = env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
            .or_else(|| env::home_dir().map(|home| home.join(".cache")))
            .ok_or("set HOME or XDG_CACHE_HOME, so that tools can be kept")?
            .join("clerk-bridge");
        Ok(Self { root, target, cache })
    }

    /// The finished npm package.
    pub fn pkg(&self) -> PathBuf {
        self.root.join("pkg")
    }

    /// The optimised wasm, at a fixed place so that the package and TypeScript tests can import it.
    pub fn wasm(&self) -> PathBuf {
        self.root.join("target/wasm")
    }

    /// The example application.
    pub fn app(&self) -> PathBuf {
        self.root.join("www-example/app")
    }

    /// A command of a package that `npm ci` installed at the root.
    pub fn npm_bin(&self, name: &str) -> PathBuf {
        self.root.join("node_modules/.bin").join(name)
    }
}

/// The first of these programs that PATH holds.
pub fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|program| program.is_file())
}

/// PATH with one more folder in front.
pub fn path_with(folder: &Path) -> Outcome<std::ffi::OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(std::iter::once(folder.to_path_buf()).chain(env::split_paths(&path)))
        .map_err(|e| format!("{} cannot be put on PATH: {e}", folder.display()))
}
