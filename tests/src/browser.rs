//! The built page in a real Chromium: a local server, a driver, and what a person does there.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// A page under test. Everything that the browser asks of another origin goes to a recording proxy that answers nothing.
pub struct Page {
    /// The session.
    pub driver: WebDriver,
    address: SocketAddr,
    cut: Arc<AtomicBool>,
    elsewhere: Arc<Mutex<Vec<String>>>,
    downloads: TempDir,
    _profile: TempDir,
    process: Driver,
}

struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // The driver ends its browser when it is asked to quit; this is for tests that fail before.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn required(name: &str) -> Result<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).with_context(|| format!("{name} is not set; run these through `cargo xtask test browser`"))
}

/// Runs one test over a fresh browser; its failure carries the page's own log.
pub fn with_page<F, Fut>(test: F)
where
    F: FnOnce(Arc<Page>) -> Fut,
    Fut: Future<Output = Result<()>>,
{
    with_browser(true, test);
}

/// [`with_page`] in a browser with or without a WebGPU adapter.
pub fn with_browser<F, Fut>(webgpu: bool, test: F)
where
    F: FnOnce(Arc<Page>) -> Fut,
    Fut: Future<Output = Result<()>>,
{
    run(Page::start_with(webgpu), test);
}

/// [`with_page`] over another folder than the built page.
pub fn with_site<F, Fut>(site: &Path, test: F)
where
    F: FnOnce(Arc<Page>) -> Fut,
    Fut: Future<Output = Result<()>>,
{
    run(Page::over(site, true), test);
}

/// A wait for something to happen. It looks often at first and then more seldom: each look takes time from the browser that it needs for what is waited for.
///
/// No wait asserts speed: so many seconds are thrice as many where continuous integration runs, whose machines are slow and shared. Patience costs time only
/// where a test fails.
struct Wait {
    end: Instant,
    pause: Duration,
}

impl Wait {
    const LONGEST: Duration = Duration::from_millis(150);

    fn of(seconds: u64) -> Self {
        let end = Instant::now() + Duration::from_secs(if std::env::var_os("CI").is_some() { 3 * seconds } else { seconds });
        Self { end, pause: Duration::from_millis(20) }
    }

    /// Pauses until the next look; false where it has been long enough.
    async fn again(&mut self) -> bool {
        if Instant::now() > self.end {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 5 / 4).min(Self::LONGEST);
        true
    }
}

fn run<F, Fut>(start: impl Future<Output = Result<Page>>, test: F)
where
    F: FnOnce(Arc<Page>) -> Fut,
    Fut: Future<Output = Result<()>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let page = Arc::new(start.await.expect("the browser starts"));
        let outcome = test(page.clone()).await;
        let log = page.console().await;
        if outcome.is_err() && let Some(dir) = std::env::var_os("ESPALIER_SHOTS") {
            page.screenshot(&PathBuf::from(dir).join("failure.png")).await.ok();
        }
        page.driver.clone().quit().await.ok();
        if let Err(error) = outcome {
            panic!("{error:#}\nthe page said:\n{log}");
        }
    });
}

impl Page {
    /// Starts a server over the built page, a driver and a browser with an empty profile.
    pub async fn start() -> Result<Self> {
        Self::start_with(true).await
    }

    /// The same, with or without a WebGPU adapter in the browser.
    ///
    /// Its service worker keeps nothing: the page's own fetches the whole site on a first visit, and here each visit is one.
    pub async fn start_with(webgpu: bool) -> Result<Self> {
        Self::launch(&required("ESPALIER_PAGE")?, webgpu, true).await
    }

    /// The same over any folder, with the service worker that lies there. Nothing is kept in the browser's cache, so that each visit is a first one.
    pub async fn over(site: &Path, webgpu: bool) -> Result<Self> {
        Self::launch(site, webgpu, false).await
    }

    async fn launch(site: &Path, webgpu: bool, forgetful: bool) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let [hooked, bare] = [hooked(site, "hook.js")?, hooked(site, "nostorage.js")?];
        let fresh = SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let cut = Arc::new(AtomicBool::new(false));
        let gate = {
            let cut = cut.clone();
            axum::middleware::from_fn(move |request: axum::extract::Request, next: axum::middleware::Next| {
                let open = !cut.load(Ordering::Relaxed);
                async move { if open { next.run(request).await } else { axum::http::StatusCode::BAD_GATEWAY.into_response() } }
            })
        };
        let script = |text: &'static str| axum::routing::get(move || async move { ([(header::CONTENT_TYPE, "text/javascript")], text) });
        let router = if forgetful { axum::Router::new().route("/sw.js", script("")) } else { axum::Router::new() };
        let router = router
            .route("/hooked.html", axum::routing::get(move || async move { axum::response::Html(hooked) }))
            .route("/nostorage.html", axum::routing::get(move || async move { axum::response::Html(bare) }))
            .route("/nostorage.js", script("Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });"))
            .route("/hook.js", script(HOOK))
            .route("/hook_worker.js", script(INSIDE))
            .route("/frame.html", axum::routing::get(|| async { axum::response::Html(FRAME) }))
            .fallback_service(ServeDir::new(site))
            .layer(fresh)
            .layer(gate);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let (proxy, elsewhere) = recorder().await?;

        let port = free_port()?;
        let mut command = Command::new(required("CHROMEDRIVER")?);
        let process = Driver(command.arg(format!("--port={port}")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
        let profile = tempfile::tempdir()?;
        let downloads = tempfile::tempdir()?;
        let mut caps = DesiredCapabilities::chrome();
        caps.set_binary(&required("CHROMIUM")?.to_string_lossy())?;
        for arg in [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1440,900", "--force-device-scale-factor=1",
            "--proxy-bypass-list=127.0.0.1;insecure.test", "--host-resolver-rules=MAP insecure.test 127.0.0.1",
        ] {
            caps.add_arg(arg)?;
        }
        for arg in QUIET {
            caps.add_arg(arg)?;
        }
        if webgpu {
            caps.add_arg("--enable-unsafe-webgpu")?;
        }
        caps.add_arg(&format!("--proxy-server=http://{proxy}"))?;
        caps.add_arg(&format!("--user-data-dir={}", profile.path().display()))?;
        let prefs = json!({
            "download.default_directory": downloads.path(),
            "download.prompt_for_download": false,
            "profile.default_content_setting_values.automatic_downloads": 1,
            "net.network_prediction_options": 2,
            "search.suggest_enabled": false,
            // A search engine's start page is asked for by the browser itself.
            "default_search_provider_data": { "template_url_data": { "short_name": "none", "keyword": "none", "url": "http://127.0.0.1:9/{searchTerms}", "id": "99" } },
        });
        caps.add_experimental_option("prefs", prefs)?;
        caps.set("goog:loggingPrefs", json!({ "browser": "ALL" }))?;

        let url = format!("http://127.0.0.1:{port}");
        let deadline = Instant::now() + Duration::from_secs(30);
        let driver = loop {
            match WebDriver::new(&url, caps.clone()).await {
                Ok(driver) => break driver,
                Err(error) if Instant::now() > deadline => return Err(error).context("chromedriver gave no session in 30 s"),
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        };
        driver.set_script_timeout(Duration::from_secs(120)).await?;
        Ok(Self { driver, address, cut, elsewhere, downloads, _profile: profile, process })
    }

    /// Goes to any file of the site.
    pub async fn visit(&self, rest: &str) -> Result<()> {
        Ok(self.driver.goto(format!("http://{}/{rest}", self.address)).await?)
    }

    /// Goes to the page with this query or hash (`?device=gpu`).
    pub async fn open(&self, rest: &str) -> Result<()> {
        self.visit(rest).await?;
        // The page is painted before the application is there to answer.
        self.find(".app:not(.starting)", 30).await.map(|_| ())
    }

    /// Goes to the page over plain http under a name that is not this computer's, where browsers hide WebGPU.
    pub async fn open_insecure(&self) -> Result<()> {
        Ok(self.driver.goto(format!("http://insecure.test:{}/", self.address.port())).await?)
    }

    /// First element for a selector, waited for.
    pub async fn find(&self, css: &str, seconds: u64) -> Result<WebElement> {
        let mut wait = Wait::of(seconds);
        loop {
            match self.driver.find(By::Css(css)).await {
                Ok(element) => return Ok(element),
                Err(error) => {
                    if !wait.again().await {
                        bail!("{css} did not appear within {seconds} s ({})", error.to_string().lines().next().unwrap_or_default());
                    }
                }
            }
        }
    }

    /// Waits until an element is gone.
    pub async fn gone(&self, css: &str, seconds: u64) -> Result<()> {
        let mut wait = Wait::of(seconds);
        while !self.driver.find_all(By::Css(css)).await?.is_empty() {
            if !wait.again().await {
                bail!("{css} was still there after {seconds} s");
            }
        }
        Ok(())
    }

    /// The address's hash, once it is that of what is shown: it is written a moment after the last change.
    pub async fn link(&self) -> Result<String> {
        let kept = "return document.documentElement.dataset.address === 'kept' ? location.hash : null";
        Ok(self.until(kept, 20).await?.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks as a script does, which does not mind what lies over the element, as soon as it is there and not disabled.
    pub async fn click(&self, css: &str) -> Result<()> {
        let script = "const e = document.querySelector(arguments[0]); if (!e || e.disabled) return false; e.click(); return true;";
        let mut wait = Wait::of(20);
        while self.js(script, json!([css])).await? != Value::Bool(true) {
            if !wait.again().await {
                bail!("{css} is not there or cannot be clicked");
            }
        }
        Ok(())
    }

    /// Visible text of the first element for a selector.
    pub async fn text(&self, css: &str) -> Result<String> {
        self.find(css, 20).await?;
        let text = self.js("return document.querySelector(arguments[0])?.innerText ?? ''", json!([css])).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until an element's text satisfies a test, and gives it.
    pub async fn text_until(&self, css: &str, seconds: u64, good: impl Fn(&str) -> bool) -> Result<String> {
        let mut wait = Wait::of(seconds);
        loop {
            let text = self.js("return document.querySelector(arguments[0])?.innerText ?? ''", json!([css])).await?;
            let text = text.as_str().unwrap_or_default().to_owned();
            if good(&text) {
                return Ok(text);
            }
            if !wait.again().await {
                bail!("{css} said {text:?} after {seconds} s");
            }
        }
    }

    /// Runs a script and gives what it returns.
    pub async fn js(&self, script: &str, args: Value) -> Result<Value> {
        let args = args.as_array().cloned().unwrap_or_default();
        Ok(self.driver.execute(script, args).await?.json().clone())
    }

    /// Runs a script that ends by calling its last argument.
    pub async fn js_async(&self, script: &str, args: Value) -> Result<Value> {
        let args = args.as_array().cloned().unwrap_or_default();
        Ok(self.driver.execute_async(script, args).await?.json().clone())
    }

    /// Waits until a script returns something other than null, and gives it.
    pub async fn until(&self, script: &str, seconds: u64) -> Result<Value> {
        let mut wait = Wait::of(seconds);
        loop {
            let value = self.js(script, json!([])).await?;
            if value != Value::Null {
                return Ok(value);
            }
            if !wait.again().await {
                bail!("nothing after {seconds} s");
            }
        }
    }

    /// Gives files to a file input, as the file dialog would.
    pub async fn choose(&self, css: &str, files: &[PathBuf]) -> Result<()> {
        let paths: Vec<String> = files.iter().map(|f| std::path::absolute(f).map(|p| p.to_string_lossy().into_owned())).collect::<Result<_, _>>()?;
        Ok(self.find(css, 20).await?.send_keys(paths.join("\n")).await?)
    }

    /// Drops files made of these bytes on the window.
    pub async fn drop_files(&self, files: &[(&str, &[u8])]) -> Result<()> {
        use base64::Engine as _;
        // Before the application has started nobody would catch them.
        self.find(".app", 30).await?;
        let list: Vec<Value> = files.iter().map(|(name, bytes)| json!([name, base64::engine::general_purpose::STANDARD.encode(bytes)])).collect();
        let script = "const data = new DataTransfer();
            for (const [name, text] of arguments[0]) data.items.add(new File([Uint8Array.from(atob(text), c => c.charCodeAt(0))], name));
            for (const kind of ['dragenter', 'dragover', 'drop']) document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));";
        self.js(script, json!([list])).await.map(|_| ())
    }

    /// Waits for a finished download whose name ends so, and gives its path.
    pub async fn download(&self, ending: &str, seconds: u64) -> Result<PathBuf> {
        let mut wait = Wait::of(seconds);
        loop {
            let found = std::fs::read_dir(self.downloads.path())?.filter_map(|e| Some(e.ok()?.path())).find(|p| p.to_string_lossy().ends_with(ending));
            // Chromium first takes the name by an empty file and writes beside it.
            if let Some(path) = found.filter(|p| p.metadata().is_ok_and(|m| m.len() > 0)) {
                return Ok(path);
            }
            if !wait.again().await {
                bail!("no download ending in {ending} after {seconds} s");
            }
        }
    }

    /// From now on the server answers nothing but "bad gateway": as if there were no network.
    pub fn cut_network(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// The network is back.
    pub fn mend_network(&self) {
        self.cut.store(false, Ordering::Relaxed);
    }

    /// Where the page is served, without a slash at the end.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The driver's process: the browser and all its own stand under it.
    pub fn process(&self) -> u32 {
        self.process.0.id()
    }

    /// Everything that was asked of other computers, by the page or by the browser itself: it is started so that it asks for nothing.
    pub fn elsewhere(&self) -> Vec<String> {
        self.elsewhere.lock().map(|l| l.clone()).unwrap_or_default()
    }

    /// The page's own log.
    pub async fn console(&self) -> String {
        let entries = self.driver.get_log("browser").await.unwrap_or_default();
        entries.iter().map(|e| format!("{e:?}")).collect::<Vec<_>>().join("\n")
    }

    /// A picture of the window.
    pub async fn screenshot(&self, path: &Path) -> Result<()> {
        Ok(self.driver.screenshot(path).await?)
    }
}

/// What a browser asks the network on its own account is switched off, so that a test may count every request.
/// Services that have no switch are sent to a closed port of this computer.
const QUIET: [&str; 18] = [
    "--no-first-run", "--no-default-browser-check", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-domain-reliability", "--disable-client-side-phishing-detection", "--disable-extensions",
    "--disable-component-extensions-with-background-pages", "--disable-search-engine-choice-screen", "--no-pings", "--homepage=about:blank",
    "--gaia-url=http://127.0.0.1:9", "--google-apis-url=http://127.0.0.1:9", "--component-updater=url-source=http://127.0.0.1:9",
    "--disable-features=OptimizationHints,OptimizationGuideModelDownloading,NetworkTimeServiceQuerying,MediaRouter,Translate,AutofillServerCommunication,PreconnectToSearch,SearchNavigationPrefetch",
];

/// Another page with this one in a frame, as a course would have it.
const FRAME: &str = "<!doctype html><title>A course</title><iframe id=frame width=900 height=700 sandbox=\"allow-scripts allow-same-origin allow-downloads\"></iframe>";

/// Keeps hold of every worker, so that a test can end one, and starts each behind [`INSIDE`].
const HOOK: &str = "window.workers = []; const Plain = Worker; window.lose = new BroadcastChannel('lose');
window.Worker = class extends Plain { constructor(path, ...a) { super(String(path).replace(/^(.*[/])?(worker(-whole)?_loader[.]js)$/, './hook_worker.js?$2'), ...a); workers.push(this); } };";

/// In a worker: keeps hold of every GPU device, destroys all of them when a test says so (`lose.postMessage(1)`), and refuses memory
/// (`lose.postMessage({ above: bytes, times: n })`).
const INSIDE: &str = "const devices = []; if (self.GPUAdapter) { const plain = GPUAdapter.prototype.requestDevice;
GPUAdapter.prototype.requestDevice = async function (...a) { const d = await plain.apply(this, a); devices.push(d); return d; }; }
// Told { above, times }, it refuses so many buffers above so many bytes, as a GPU does that has no room.
let above = Infinity, times = 0; const scopes = [], made = self.GPUDevice?.prototype;
if (made) { const { pushErrorScope, popErrorScope, createBuffer } = made;
made.pushErrorScope = function (kind) { scopes.push({ kind }); return pushErrorScope.call(this, kind); };
made.createBuffer = function (d) { if (d.size > above && times > 0) { const scope = scopes.findLast((s) => s.kind === 'out-of-memory'); if (scope) { times -= 1; scope.full = true; } } return createBuffer.call(this, d); };
made.popErrorScope = function () { const { full } = scopes.pop() ?? {}, real = popErrorScope.call(this); return full ? real.then(() => new GPUOutOfMemoryError('refused by the test')) : real; }; }
new BroadcastChannel('lose').onmessage = ({ data }) => { if (data.times) ({ above, times } = data); else devices.splice(0).forEach((d) => d.destroy()); };
importScripts('./' + location.search.slice(1));";

/// The page with the hook before its own script; a file of its own, as the page's policy wants it.
fn hooked(site: &Path, script: &str) -> Result<String> {
    let page = std::fs::read_to_string(site.join("index.html"))?;
    Ok(page.replacen("<head>", &format!("<head><script src=\"./{script}\"></script>"), 1))
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A proxy that writes down the first line of every request and closes it.
async fn recorder() -> Result<(SocketAddr, Arc<Mutex<Vec<String>>>)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let list = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let n = stream.read(&mut head).await.unwrap_or(0);
            let line = String::from_utf8_lossy(&head[..n]).lines().next().unwrap_or_default().to_owned();
            if let Ok(mut list) = list.lock() {
                list.push(line);
            }
            stream.write_all(b"HTTP/1.1 502 Nothing goes out in tests\r\ncontent-length: 0\r\n\r\n").await.ok();
        }
    });
    Ok((address, asked))
}
