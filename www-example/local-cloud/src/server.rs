//! Accepts connections and hands them to a router. Unlike axum's own server it can close a connection
//! without an answer (the "drop" fault), and it closes after each answer: a browser silently repeats a
//! request that failed on a reused connection, which would swallow a fault. Loopback only.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::{Cloud, Folders};

/// Marks a response whose connection is to be closed instead of answered.
#[derive(Clone, Copy, Debug)]
struct Dropped;

/// The response that is none: the client sees its connection close.
pub fn drop_connection() -> Response {
    let mut response = ().into_response();
    response.extensions_mut().insert(Dropped);
    response
}

#[derive(Debug)]
struct ConnectionDropped;

impl fmt::Display for ConnectionDropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection is dropped on purpose")
    }
}

impl std::error::Error for ConnectionDropped {}

/// A cloud that listens.
pub struct Server {
    /// What it serves from.
    pub cloud: Arc<Cloud>,
    listener: TcpListener,
}

impl Server {
    /// Binds a port of 127.0.0.1; 0 picks a free one.
    pub async fn bind(port: u16, folders: Folders) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        Ok(Self { cloud: Cloud::new(&origin, folders), listener })
    }

    /// Serves until the task is dropped.
    pub async fn run(self) -> Infallible {
        let router = crate::router(self.cloud);
        loop {
            // A failed accept concerns one client only; the next one may do better.
            if let Ok((stream, _)) = self.listener.accept().await {
                tokio::spawn(serve_connection(stream, router.clone()));
            }
        }
    }
}

/// Makes this the connection's last answer, unless it becomes a WebSocket.
fn closing(mut response: Response) -> Response {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn serve_connection(stream: TcpStream, router: Router) {
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            let response = match router.oneshot(request.map(Body::new)).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            match response.extensions().get::<Dropped>() {
                Some(Dropped) => Err(ConnectionDropped),
                None => Ok(closing(response)),
            }
        }
    });
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A client that hangs up, and a dropped connection, end here; neither is the server's trouble.
    let _ = connection.with_upgrades().await;
}
