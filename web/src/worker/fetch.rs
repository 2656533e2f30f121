//! HTTP for the checkpoints' remote sources, by the browser's `fetch`.

use espalier_nets::checkpoint::LocalFuture;
use espalier_nets::checkpoint::remote::{Answer, Ask, Fetch, Head, Trouble};
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader, ReferrerPolicy, Request, RequestCredentials, RequestInit, RequestMode, Response, Url, WorkerGlobalScope};

use super::blob_source::words;
use super::host::sleep;

/// The browser's `fetch`: no cookies, no referrer, the body piece by piece.
pub struct BrowserFetch;

fn scope() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}

async fn send(request: &Request) -> Result<Response, JsValue> {
    JsFuture::from(scope().fetch_with_request(request)).await?.dyn_into()
}

async fn ask(ask: &Ask<'_>) -> Result<(Response, AbortController), JsValue> {
    let stop = AbortController::new()?;
    let init = RequestInit::new();
    init.set_method(if ask.head { "HEAD" } else { "GET" });
    init.set_credentials(RequestCredentials::Omit);
    init.set_referrer_policy(ReferrerPolicy::NoReferrer);
    init.set_signal(Some(&stop.signal()));
    let request = Request::new_with_str_and_init(ask.url, &init)?;
    if let Some(range) = ask.range_header() {
        request.headers().set("range", &range)?;
    }
    Ok((send(&request).await?, stop))
}

/// Whether a server on another origin answers at all, to a request whose answer the page may not see.
async fn answers(url: &str) -> bool {
    let init = RequestInit::new();
    init.set_method("HEAD");
    init.set_mode(RequestMode::NoCors);
    init.set_credentials(RequestCredentials::Omit);
    init.set_referrer_policy(ReferrerPolicy::NoReferrer);
    match Request::new_with_str_and_init(url, &init) {
        Ok(request) => send(&request).await.is_ok(),
        Err(_) => false,
    }
}

/// A browser tells a page nothing of why a request failed; what can be found out around it is found out here.
async fn trouble(url: &str, error: &JsValue) -> Trouble {
    if !scope().navigator().on_line() {
        return Trouble::Offline;
    }
    let foreign = Url::new(url).is_ok_and(|u| u.origin() != scope().location().origin());
    if foreign && answers(url).await { Trouble::NoCors } else { Trouble::Unreachable(words(error)) }
}

impl Fetch for BrowserFetch {
    fn ask<'a>(&'a self, wanted: Ask<'a>) -> LocalFuture<'a, Result<Box<dyn Answer>, Trouble>> {
        Box::pin(async move {
            let answer = match ask(&wanted).await {
                Ok(answer) => answer,
                Err(first) => match trouble(wanted.url, &first).await {
                    // A single broken connection looks the same; only what fails twice is the server's will.
                    Trouble::NoCors => ask(&wanted).await.map_err(|_| Trouble::NoCors)?,
                    other => return Err(other),
                },
            };
            let (response, stop) = answer;
            let head = head(&response);
            let body = response.body().and_then(|b| b.get_reader().dyn_into::<ReadableStreamDefaultReader>().ok());
            Ok(Box::new(BrowserAnswer { head, body, stop, ended: false }) as Box<dyn Answer>)
        })
    }

    fn wait(&self, ms: u32) -> LocalFuture<'_, ()> {
        Box::pin(sleep(i32::try_from(ms).unwrap_or(i32::MAX)))
    }
}

fn head(response: &Response) -> Head {
    let mut headers = Vec::new();
    for pair in js_sys::try_iter(&response.headers()).ok().flatten().into_iter().flatten().flatten() {
        let pair: Array = pair.unchecked_into();
        if let (Some(name), Some(value)) = (pair.get(0).as_string(), pair.get(1).as_string()) {
            headers.push((name.to_ascii_lowercase(), value));
        }
    }
    Head { status: response.status(), headers }
}

struct BrowserAnswer {
    head: Head,
    body: Option<ReadableStreamDefaultReader>,
    stop: AbortController,
    ended: bool,
}

impl Answer for BrowserAnswer {
    fn head(&self) -> &Head {
        &self.head
    }

    fn piece(&mut self) -> LocalFuture<'_, Result<Option<Vec<u8>>, Trouble>> {
        Box::pin(async move {
            let Some(body) = &self.body else {
                self.ended = true;
                return Ok(None);
            };
            let read = JsFuture::from(body.read()).await.map_err(|e| if scope().navigator().on_line() { Trouble::Cut(words(&e)) } else { Trouble::Offline })?;
            let part = |key: &str| Reflect::get(&read, &JsValue::from_str(key)).unwrap_or(JsValue::UNDEFINED);
            if part("done").is_truthy() {
                self.ended = true;
                return Ok(None);
            }
            Ok(Some(part("value").dyn_into::<Uint8Array>().map(|b| b.to_vec()).unwrap_or_default()))
        })
    }
}

impl Drop for BrowserAnswer {
    fn drop(&mut self) {
        if !self.ended {
            self.stop.abort();
        }
    }
}
