//! Serving the page on this computer.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use axum::Router;
use axum::http::{HeaderValue, header};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::{page, setup, shell};

/// Development build under trunk's own server, rebuilt and reloaded on each change.
pub fn watch(port: u16, open: bool) -> Result<()> {
    let tools = setup::page_tools()?;
    let mut trunk = page::trunk(&tools, "serve");
    trunk.args(["--port", &port.to_string()]);
    if open {
        trunk.arg("--open");
    }
    shell::run(&mut trunk)
}

/// Release build, served until interrupted.
pub fn release(port: u16, open: bool) -> Result<()> {
    let tools = setup::page_tools()?;
    let out = page::folder();
    page::release(&tools, &out)?;
    println!("{}", page::weigh(&out)?.text());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Nothing is cached, so that a rebuilt page is never mixed with an old one.
        let fresh = SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        let site = Router::new().fallback_service(ServeDir::new(&out)).layer(fresh);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await;
        let listener = listener.with_context(|| format!("port {port} is taken; choose another with --port"))?;
        let url = format!("http://127.0.0.1:{}/", listener.local_addr()?.port());
        println!("Espalier is at {url} (Ctrl-C ends it)");
        if open {
            browse(&url);
        }
        axum::serve(listener, site).await.context("the server ended")
    })
}

fn browse(url: &str) {
    let program = ["xdg-open", "open", "wslview"].into_iter().find_map(shell::which);
    let started = program.and_then(|p| Command::new(p).arg(url).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok());
    if started.is_none() {
        println!("No program here opens a browser; open the address yourself.");
    }
}
