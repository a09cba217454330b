//! A headless Chromium, driven through its chromedriver: the W3C WebDriver protocol, which is JSON over plain HTTP.
//!
//! ```text
//! let browser = Browser::open();
//! browser.viewport(1280, 800);
//! browser.theme(Theme::Dark);
//! browser.visit("http://127.0.0.1:7000/");
//! browser.wait_until("the page is connected", "document.body.dataset.state === 'open'");
//! browser.type_into("#message", "hello");
//! browser.click("#send");
//! let bits = browser.text("#frame .bits");
//! browser.screenshot(Path::new("page.png"));              // what the window shows
//! browser.screenshot_of_page(Path::new("page.png"));      // all of it, from top to bottom
//!
//! let first = browser.tab();
//! let projector = browser.new_tab();                      // and the browser is now on it
//! browser.visit("http://127.0.0.1:7000/projector");
//! browser.switch_to(&first);
//!
//! assert_eq!(browser.errors(), Vec::<String>::new());     // what the console has seen go wrong
//! ```
//!
//! Every step has a deadline and panics with what the page looked like, so that a test needs no checks of its own.
//! One `Browser` is one Chromium with an empty profile; both end when it is dropped. Needed on the PATH:
//! `chromedriver`, and the Chromium that belongs to it.
//!
//! What to know when you write a test:
//!
//! - **Wait for what you want to see**, with [`wait_until`](Browser::wait_until): a JavaScript expression that becomes
//!   true. A click returns when the click was delivered, not when its consequences are there.
//! - **JavaScript** that you [`run`](Browser::run) is the body of a function: it needs a `return`, and finds its
//!   arguments in `arguments[0]`... Elements cannot be passed; name them by selector.
//! - **Theme and viewport belong to the tab**, not to the browser: set them again in a new one.
//! - **A tab that is not in front** goes on with its timers and its WebSockets here (three flags see to it), but a page
//!   that draws in `requestAnimationFrame` stands still until one switches to it.
//! - [`cdp`](Browser::cdp) reaches the rest of what Chromium can do, by the names of the DevTools protocol:
//!   `browser.cdp("Accessibility.getFullAXTree", json!({}))`.
//! - A click is a real one: it scrolls there, and it fails when something else lies on top or the element is hidden.

use super::{Program, SOON, empty_folder, remaining, tool};
use base64::Engine as _;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The keys that have a name, for [`Browser::press`].
pub(crate) mod key {
    pub(crate) const TAB: &str = "\u{E004}";
    pub(crate) const ENTER: &str = "\u{E007}";
    pub(crate) const SHIFT: &str = "\u{E008}";
    pub(crate) const ESCAPE: &str = "\u{E00C}";
    pub(crate) const SPACE: &str = " ";
    pub(crate) const END: &str = "\u{E010}";
    pub(crate) const HOME: &str = "\u{E011}";
    pub(crate) const LEFT: &str = "\u{E012}";
    pub(crate) const UP: &str = "\u{E013}";
    pub(crate) const RIGHT: &str = "\u{E014}";
    pub(crate) const DOWN: &str = "\u{E015}";
}

/// What the page's `prefers-color-scheme` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

/// A tab, by the name the browser gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tab(String);

pub(crate) struct Browser {
    port: u16,
    session: String,
    profile: PathBuf,
    // Last, so that the profile's folder outlives the program that writes to it.
    driver: Program,
}

/// What any test in a container needs; then what keeps Chromium from calling home, which a machine without a way out
/// would have to wait for; then what lets a tab in the background go on.
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox", // it refuses to run as root otherwise
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--force-prefers-reduced-motion", // a click must not land where the element was before the page had scrolled
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
];

impl Browser {
    /// Starts a chromedriver at a free port, and with it a Chromium that nobody has used before.
    pub(crate) fn open() -> Browser {
        Browser::start(tool("chromedriver", "chromium chromium-driver"), &[])
    }

    /// The same for somebody whose home this is: there lies the list of the authorities that they trust. With more flags.
    pub(crate) fn open_at_home(home: &Path, flags: &[&str]) -> Browser {
        let mut command = tool("chromedriver", "chromium chromium-driver");
        command.env("HOME", home);
        Browser::start(command, flags)
    }

    fn start(mut command: std::process::Command, flags: &[&str]) -> Browser {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let profile = empty_folder(&format!("chromium-{}-{number}", std::process::id()));
        command.arg("--port=0");
        let mut driver = Program::start_group("chromedriver", command);
        let started = driver.find_line("the line that names its port", |line| line.contains("successfully on port"));
        let port = started
            .trim_end_matches('.')
            .rsplit(' ')
            .next()
            .and_then(|port| port.parse().ok())
            .unwrap_or_else(|| panic!("chromedriver names no port: {started:?}"));
        let mut arguments: Vec<String> = FLAGS.iter().chain(flags).map(|flag| (*flag).to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let mut browser = Browser { port, session: String::new(), profile, driver };
        let opened = browser
            .request("POST", "/session", &capabilities, Duration::from_secs(60))
            .unwrap_or_else(|error| panic!("Chromium does not start: {error}\n{}", browser.driver.complaints()));
        browser.session = opened["sessionId"].as_str().expect("a session has a name").to_owned();
        browser
    }

    // --- the page ---

    /// Opens a page and waits until it is loaded.
    pub(crate) fn visit(&self, url: &str) {
        self.post("/url", json!({"url": url}));
    }

    /// Runs JavaScript, the body of a function, and gives what it returns; a promise is waited for.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.run_with(script, json!([]))
    }

    /// As [`run`](Browser::run), with `arguments[0]`, `arguments[1]`...
    pub(crate) fn run_with(&self, script: &str, arguments: Value) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": arguments}))
    }

    /// Waits until a JavaScript expression is true, and gives its value. `what` is for the message if it never is.
    pub(crate) fn wait_until(&self, what: &str, expression: &str) -> Value {
        self.wait_within(SOON, what, expression)
    }

    /// As [`wait_until`](Browser::wait_until), with a deadline of its own.
    pub(crate) fn wait_within(&self, within: Duration, what: &str, expression: &str) -> Value {
        let deadline = Instant::now() + within;
        let script = json!({"script": format!("return ({expression});"), "args": []});
        loop {
            // An error may be the page that is just being replaced by the next: it counts only at the deadline.
            let outcome = self.command("POST", "/execute/sync", &script);
            match &outcome {
                Ok(value) if is_true(value) => return value.clone(),
                _ if Instant::now() < deadline => thread::park_timeout(Duration::from_millis(20)),
                _ => self.fail(&format!("not within {within:?}: {what}\n  {expression}\n  is {outcome:?}")),
            }
        }
    }

    /// The text of the first element that the selector finds, as one sees it.
    pub(crate) fn text(&self, selector: &str) -> String {
        let element = self.find(selector);
        self.get(&format!("/element/{element}/text")).as_str().unwrap_or_default().to_owned()
    }

    /// Clicks in the middle of the first element that the selector finds.
    pub(crate) fn click(&self, selector: &str) {
        let element = self.find(selector);
        if let Err(error) = self.command("POST", &format!("/element/{element}/click"), &json!({})) {
            self.fail(&format!("cannot click {selector}: {error}"));
        }
    }

    /// Types into a field what it does not yet hold: the field is emptied first.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.post(&format!("/element/{element}/clear"), json!({}));
        self.post(&format!("/element/{element}/value"), json!({"text": text}));
    }

    /// Presses a key, wherever the focus is: a letter, or one of [`key`]. Several are held down together.
    pub(crate) fn press(&self, keys: &[&str]) {
        let down = keys.iter().map(|key| json!({"type": "keyDown", "value": key}));
        let up = keys.iter().rev().map(|key| json!({"type": "keyUp", "value": key}));
        let actions: Vec<Value> = down.chain(up).collect();
        self.post("/actions", json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}));
    }

    /// Waits for the element, and gives the protocol's name for it.
    fn find(&self, selector: &str) -> String {
        let query = json!({"using": "css selector", "value": selector});
        let deadline = Instant::now() + SOON;
        loop {
            match self.command("POST", "/element", &query) {
                // The key is a constant of the protocol: WebDriver, section "Elements".
                Ok(found) => {
                    let name = found["element-6066-11e4-a52e-4f735466cecf"].as_str();
                    return name.expect("an element has a name").to_owned();
                }
                Err(_) if Instant::now() < deadline => thread::park_timeout(Duration::from_millis(20)),
                Err(error) => self.fail(&format!("nothing is {selector}: {error}")),
            }
        }
    }

    // --- the window ---

    /// The tab the browser is on.
    pub(crate) fn tab(&self) -> Tab {
        Tab(self.get("/window").as_str().unwrap_or_default().to_owned())
    }

    /// Opens an empty tab and goes to it.
    pub(crate) fn new_tab(&self) -> Tab {
        let opened = self.post("/window/new", json!({"type": "tab"}));
        let tab = Tab(opened["handle"].as_str().unwrap_or_default().to_owned());
        self.switch_to(&tab);
        tab
    }

    pub(crate) fn switch_to(&self, tab: &Tab) {
        self.post("/window", json!({"handle": tab.0}));
    }

    /// Closes the tab the browser is on; then go to another with [`switch_to`](Browser::switch_to).
    pub(crate) fn close_tab(&self) {
        if let Err(error) = self.command("DELETE", "/window", &Value::Null) {
            self.fail(&format!("the tab does not close: {error}"));
        }
    }

    /// Makes the page of this tab so large, in CSS pixels, and leaves it so.
    pub(crate) fn viewport(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.cdp("Emulation.setDeviceMetricsOverride", size);
    }

    /// Shows the page of this tab as to somebody who prefers light, or dark.
    pub(crate) fn theme(&self, theme: Theme) {
        let value = if theme == Theme::Dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.cdp("Emulation.setEmulatedMedia", features);
    }

    /// Writes what the window shows to a PNG file.
    pub(crate) fn screenshot(&self, file: &Path) {
        let picture = self.get("/screenshot");
        self.save(&picture, file);
    }

    /// Writes the whole page to a PNG file, also what one would have to scroll to.
    pub(crate) fn screenshot_of_page(&self, file: &Path) {
        // The content alone would be narrower than the window, by a scroll bar that is not in the picture.
        let width = self.run("return Math.max(innerWidth, document.documentElement.scrollWidth)");
        let height = self.run("return Math.max(innerHeight, document.documentElement.scrollHeight)");
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let options = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.cdp("Page.captureScreenshot", options);
        self.save(&picture["data"], file);
    }

    fn save(&self, picture: &Value, file: &Path) {
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(picture.as_str().unwrap_or_default())
            .unwrap_or_else(|error| self.fail(&format!("the screenshot is not base64: {error}")));
        std::fs::write(file, bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    // --- the rest ---

    /// One command of the DevTools protocol.
    pub(crate) fn cdp(&self, method: &str, parameters: Value) -> Value {
        self.cdp_within(SOON, method, parameters)
    }

    /// The same, for what may take longer.
    pub(crate) fn cdp_within(&self, within: Duration, method: &str, parameters: Value) -> Value {
        self.post_within(within, "/goog/cdp/execute", json!({"cmd": method, "params": parameters}))
    }

    /// What the console of the page has been told since it was last asked: `LEVEL: message`.
    pub(crate) fn console(&self) -> Vec<String> {
        let entries = self.post("/se/log", json!({"type": "browser"}));
        let line = |entry: &Value| {
            format!("{}: {}", entry["level"].as_str().unwrap_or("?"), entry["message"].as_str().unwrap_or("?"))
        };
        entries.as_array().map(|entries| entries.iter().map(line).collect()).unwrap_or_default()
    }

    /// What went wrong on the page since the console was last asked: exceptions nobody caught, files that are not there,
    /// refused connections.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.console().into_iter().filter(|line| line.starts_with("SEVERE")).collect()
    }

    fn get(&self, path: &str) -> Value {
        self.command("GET", path, &Value::Null).unwrap_or_else(|error| self.fail(&format!("GET {path}: {error}")))
    }

    fn post(&self, path: &str, body: Value) -> Value {
        self.post_within(SOON, path, body)
    }

    fn post_within(&self, within: Duration, path: &str, body: Value) -> Value {
        self.command_within(within, "POST", path, &body)
            .unwrap_or_else(|error| self.fail(&format!("POST {path} {body}: {error}")))
    }

    /// Ends the test, with all that may explain why.
    fn fail(&self, why: &str) -> ! {
        let ask = |script: &str| {
            self.command("POST", "/execute/sync", &json!({"script": script, "args": []})).unwrap_or(Value::Null)
        };
        let mut message = format!("{why}\nthe page: {}\n", ask("return location.href"));
        if let Ok(Value::Array(entries)) = self.command("POST", "/se/log", &json!({"type": "browser"})) {
            for entry in entries {
                let _ = writeln!(message, "the console: {}", entry["message"]);
            }
        }
        let text = ask("return document.body ? document.body.innerText.slice(0, 2000) : null");
        panic!("{message}the text on it: {}", text.as_str().unwrap_or("none"));
    }

    /// One command of this session. The error is the protocol's own, as one line.
    fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        self.command_within(SOON, method, path, body)
    }

    fn command_within(&self, within: Duration, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let path = format!("/session/{}{path}", self.session);
        self.request(method, &path, body, within)
    }

    /// One request, one answer, one connection.
    fn request(&self, method: &str, path: &str, body: &Value, within: Duration) -> Result<Value, String> {
        let (status, answer) = http(self.port, method, path, body, Instant::now() + within)
            .map_err(|error| format!("chromedriver does not answer {method} {path}: {error}"))?;
        let answer: Value = serde_json::from_slice(&answer).map_err(|error| format!("not JSON: {error}"))?;
        let value = &answer["value"];
        if status == 200 {
            return Ok(value.clone());
        }
        let first_line = value["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default();
        Err(format!("{}: {first_line}", value["error"].as_str().unwrap_or("?")))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked to, Chromium tidies up; the chromedriver, and what of its group is left, is killed in any case.
        if !self.session.is_empty() {
            let path = format!("/session/{}", self.session);
            let _ = self.request("DELETE", &path, &Value::Null, Duration::from_secs(10));
        }
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// What JavaScript calls truthy.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn http(port: u16, method: &str, path: &str, body: &Value, deadline: Instant) -> std::io::Result<(u16, Vec<u8>)> {
    let bad = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    (&stream).write_all(request.as_bytes())?;
    let mut reader = BufReader::new(Until { stream: &stream, deadline });
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| bad("no HTTP answer"))?;
    let mut length = None;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) =
            line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        {
            length = Some(value.trim().parse::<usize>().map_err(|_| bad(name))?);
        }
    }
    let mut answer = vec![0; length.ok_or_else(|| bad("an answer without a length"))?];
    reader.read_exact(&mut answer)?;
    Ok((status, answer))
}

/// A stream that is read until a deadline, which is of the whole answer and not of each read.
struct Until<'a> {
    stream: &'a TcpStream,
    deadline: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        // Zero would mean "for ever".
        self.stream.set_read_timeout(Some(remaining(self.deadline).max(Duration::from_millis(1))))?;
        (&mut &*self.stream).read(buffer)
    }
}
