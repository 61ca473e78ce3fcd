//! Files from the two folders the server was started with: a built page, and clerk-js for the page's
//! script tag. It must never serve a file outside these folders.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::Cloud;

/// Serves the built page; unknown paths get its `index.html`, as a single-page application wants.
pub async fn serve(cloud: Arc<Cloud>, uri: Uri) -> Response {
    let Some(folder) = &cloud.folders.pages else { return not_found() };
    let wanted = inside(folder, uri.path()).filter(|path| path.is_file());
    file(&wanted.unwrap_or_else(|| folder.join("index.html"))).await
}

/// Serves one file of clerk-js' `dist` folder.
pub async fn clerk_js(cloud: &Cloud, name: &str) -> Response {
    match cloud.folders.clerk_js.as_deref().and_then(|folder| inside(folder, name)) {
        Some(path) => file(&path).await,
        None => not_found(),
    }
}

/// The path below `folder`, unless it tries to leave it.
fn inside(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = Path::new(path.trim_start_matches('/'));
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| folder.join(path))
}

async fn file(path: &Path) -> Response {
    match tokio::fs::read(path).await {
        Ok(bytes) => {
            // A cached file would hide a rebuild, and a fault on the script.
            let headers = [(header::CONTENT_TYPE, media_type(path)), (header::CACHE_CONTROL, "no-store")];
            (headers, bytes).into_response()
        }
        Err(_) => not_found(),
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "not found\n").into_response()
}

fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::inside;
    use std::path::Path;

    #[test]
    fn paths_stay_in_their_folder() {
        let folder = Path::new("site");
        assert_eq!(inside(folder, "/assets/a.js").as_deref(), Some(Path::new("site/assets/a.js")));
        assert_eq!(inside(folder, "/../secret"), None);
        assert_eq!(inside(folder, "a/../../secret"), None);
    }
}
