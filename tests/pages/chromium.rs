//! A headless Chromium, driven over its debugging pipe: JSON messages that end with a zero byte.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a page is looked at with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) dark: bool,
}

/// A running browser with one tab.
pub(crate) struct Chromium {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    events: VecDeque<Value>,
    calls: u64,
    session: Option<String>,
    _profile: TempDir,
}

impl Chromium {
    /// Starts the browser that `CHROMIUM` names, else `chromium`, and opens a tab.
    pub(crate) fn start() -> Self {
        let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
        let profile = tempfile::tempdir().unwrap();
        // The browser reads from descriptor 3 and writes to 4, which the shell makes of a pair of pipes.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh", &program])
            .args([
                "--headless",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
            ])
            .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
            .args(["--disable-sync", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|n| n > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { return };
                if sender.send(value).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let events = VecDeque::new();
        let mut browser = Self { child, to, from, events, calls: 0, session: None, _profile: profile };
        browser.open_tab();
        browser
    }

    fn open_tab(&mut self) {
        let target = self.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call("Target.attachToTarget", &target);
        self.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), &json!({}));
        }
    }

    /// Sends a command and waits for its answer; events that come meanwhile are kept.
    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = session.clone().into();
        }
        let sent = self.to.write_all(format!("{message}\0").as_bytes()).and_then(|()| self.to.flush());
        assert!(sent.is_ok(), "{}", self.gone());
        loop {
            let message = self.receive();
            if message["id"] == self.calls {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push_back(message);
        }
    }

    fn receive(&mut self) -> Value {
        let received = self.from.recv_timeout(PATIENCE);
        received.unwrap_or_else(|error| panic!("{error}: {}", self.gone()))
    }

    fn gone(&mut self) -> String {
        format!(
            "no answer from Chromium ({:?}); is it installed? `cargo xtask pages` installs or names it",
            self.child.try_wait()
        )
    }

    /// Opens a file and returns what the browser complained about: errors and warnings of the
    /// console, exceptions, and anything that the page loads besides itself.
    pub(crate) fn open(&mut self, file: &Path, screen: Screen) -> Vec<String> {
        let scheme = if screen.dark { "dark" } else { "light" };
        let metrics =
            json!({ "width": screen.width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &media);
        self.events.clear();
        let url = format!("file://{}", file.canonicalize().unwrap().display());
        self.call("Page.navigate", &json!({ "url": url }));
        let mut complaints = Vec::new();
        loop {
            let event = match self.events.pop_front() {
                Some(event) => event,
                None => self.receive(),
            };
            complaints.extend(complaint(&event, &url));
            if event["method"] == "Page.loadEventFired" {
                return complaints;
            }
        }
    }

    /// What was complained about since.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        // An answer to a call comes after the events before it.
        self.call("Runtime.evaluate", &json!({ "expression": "0" }));
        self.events.drain(..).filter_map(|event| complaint(&event, "")).collect()
    }

    /// Value of an expression in the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", &parameters);
        assert!(result.get("exceptionDetails").is_none(), "{result}");
        result["result"]["value"].clone()
    }

    /// Moves the mouse.
    pub(crate) fn point_at(&mut self, x: f64, y: f64) {
        self.call("Input.dispatchMouseEvent", &json!({ "type": "mouseMoved", "x": x, "y": y }));
    }

    /// Presses and releases a key.
    pub(crate) fn press(&mut self, key: &str, text: &str) {
        let code = if key == "Enter" { 13 } else { 39 };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key, "text": text,
                "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code });
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Keeps a picture of the whole page.
    pub(crate) fn picture(&mut self, file: &Path) {
        let size = self.call("Page.getLayoutMetrics", &json!({}))["cssContentSize"].clone();
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let parameters = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let picture = self.call("Page.captureScreenshot", &parameters);
        let data = picture["data"].as_str().unwrap();
        std::fs::write(file, base64::engine::general_purpose::STANDARD.decode(data).unwrap()).unwrap();
    }
}

/// What is wrong with an event, if it is one of those that a sound page does not cause.
fn complaint(event: &Value, page: &str) -> Option<String> {
    let parameters = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(format!("exception: {}", parameters["exceptionDetails"])),
        "Runtime.consoleAPICalled" => Some(format!("console: {}", parameters["args"])),
        "Log.entryAdded" => Some(format!("log: {}", parameters["entry"]["text"])),
        "Network.requestWillBeSent" => {
            // What stands in the page itself is a request, too.
            let url = parameters["request"]["url"].as_str().unwrap_or_default();
            (url != page && !url.starts_with("data:image/png;")).then(|| format!("loads {url}"))
        }
        _ => None,
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = self.to.flush();
        // It ends by itself soon; if not, it is ended.
        for _ in 0..50 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
