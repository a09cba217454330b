//! The classroom over https and wss: the same rules, the story of TLS on top, and in a Chromium that trusts the class's
//! authority as a lecturer would make it trust.
//!
//! ```text
//! cargo build --examples
//! cargo test -p tls-tests --test classroom                     # without a browser
//! cargo test -p tls-tests --test classroom -- --ignored        # with Chromium, its driver, and certutil
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../classroom/guest.rs"]
#[allow(dead_code)]
mod guest;
#[path = "../../classroom/screen.rs"]
mod screen;
#[path = "../../support/mod.rs"]
mod support;

use authority::folder::{self, Order};
use guest::{Classroom, hex};
use screen::{connect, look_at, row, steps, take};
use serde_json::{Value, json};
use socklab::websocket::{Message, Received};
use socklab::{ClientTls, Identity, Roots};
use std::path::{Path, PathBuf};
use support::webdriver::Browser;
use support::{Program, SOON, empty_folder, run, run_well, tool, with};

const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A class's five files, as the program `authority` makes them.
fn class(name: &str, names: &[&str]) -> PathBuf {
    let made = empty_folder(&format!("class-{name}-{}", std::process::id()));
    let names = names.iter().map(|&name| name.to_owned()).collect();
    let order = Order { root_name: "socklab class".to_owned(), names, days: 2, force: false };
    folder::make(&made, &order).unwrap();
    made
}

fn open(class: &Path) -> Classroom {
    let roots = Roots::from_file(class.join("root.pem")).unwrap();
    Classroom::open_over_tls(&["--tls", class.to_str().unwrap()], ClientTls::trusting(&roots).protocols(&["http/1.1"]))
}

/// The address by name, for a certificate is for a name.
fn by_name(classroom: &Classroom) -> String {
    format!("https://localhost:{}/", classroom.address.port())
}

// --- without a browser ---------------------------------------------------------------------------

#[test]
fn the_story_of_an_exhibit_tells_the_handshake_the_records_and_what_was_in_them() {
    let class = class("story", &HERE);
    let classroom = open(&class);
    let mut guest = classroom.enter();
    assert_eq!(guest.welcome["join"], classroom.url().as_str());
    assert!(classroom.url().starts_with("https://"));
    // The page can say which certificate is the right one.
    let prints = guest.welcome["tls"]["fingerprints"].as_array().unwrap();
    let print = prints[0].as_str().unwrap();
    assert!(prints.len() == 1 && print.len() == 64 && print.bytes().all(|byte| byte.is_ascii_hexdigit()), "{print}");

    let mut exhibit = classroom.exhibit(&guest);
    exhibit.send_text("a secret").unwrap();
    assert_eq!(exhibit.receive().unwrap(), Received::Message(Message::Text("a secret".into())));
    exhibit.close();
    guest.until_step("close", |step| step["call"] == "close");

    let steps: Vec<&Value> =
        guest.heard.iter().filter(|each| each["type"] == "step").map(|each| &each["step"]).collect();
    let secured = steps.iter().find(|step| step["step"] == "secured").unwrap();
    assert_eq!((&secured["version"], &secured["protocol"]), (&json!("TLS 1.3"), &json!("http/1.1")));
    let hello = steps.iter().find(|step| step["step"] == "record").unwrap();
    assert_eq!((&hello["direction"], &hello["handshake"]), (&json!("in"), &json!(1)));
    assert!(hello["header"].as_str().unwrap().starts_with("160301"), "{hello}");
    // What the records held is told; on the wire it is nowhere.
    let told = |kind: &str, text: &str| {
        steps.iter().any(|step| step["step"] == kind && step["hex"].as_str().is_some_and(|hex| hex.contains(text)))
    };
    let (head, echo) = (hex(b"HTTP/1.1 101"), hex(b"a secret"));
    assert!(told("plaintext", &head) && told("plaintext", &echo));
    assert!(!told("call", &head) && !told("call", &echo) && !told("call", &hex(b"GET /")));
}

#[test]
fn every_experiment_comes_out_over_tls_as_without() {
    let class = class("experiments", &HERE);
    let classroom = open(&class);
    let mut guest = classroom.enter();
    let page = include_str!("../../../examples/classroom/page/index.html");
    let names = page.split("data-experiment=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut count = 0;
    for name in names {
        count += 1;
        guest.heard.clear();
        guest.ask(json!({"do": "experiment", "name": name}));
        let outcome = guest.until("outcome", |message| message["type"] == "outcome");
        assert_eq!((&outcome["experiment"], &outcome["ok"]), (&json!(name), &json!(true)), "{outcome}");
        // It was believed, and believed for what it is.
        let of_client = |step: &&Value| step["role"] == "client" && step["step"] == "secured";
        let secured = guest.heard.iter().map(|each| &each["step"]).find(of_client).unwrap();
        assert_eq!((&secured["verified"], &secured["chain"]), (&json!(true), &json!(1)), "{secured}");
        assert_eq!((&secured["name"], &secured["resumed"]), (&json!("127.0.0.1"), &json!(false)));
    }
    assert_eq!(count, 12);
}

#[test]
fn the_second_client_is_strict_and_says_what_is_wrong() {
    let class = class("elsewhere", &["lab.example"]);
    let roots = Roots::from_file(class.join("root.pem")).unwrap();
    let tls = ClientTls::trusting(&roots).expecting("lab.example");
    let classroom = Classroom::open_over_tls(&["--tls", class.to_str().unwrap()], tls);
    let mut guest = classroom.enter();
    guest.ask(json!({"do": "experiment", "name": "ping"}));
    let outcome = guest.until("outcome", |message| message["type"] == "outcome");
    let text = outcome["text"].as_str().unwrap();
    assert!(outcome["ok"] == false && text.contains("127.0.0.1") && text.contains("lab.example"), "{outcome}");
}

#[test]
fn a_page_that_came_in_the_clear_opens_no_websocket() {
    let class = class("origins", &HERE);
    let classroom = open(&class);
    // Our own name, and yet anybody could have written that page on its way.
    let plain = format!("http://{}", classroom.address);
    let refused = classroom.connect("/commentary", &[("Origin", &plain)]).unwrap_err().to_string();
    assert!(refused.contains("403"), "{refused}");
    let ours = format!("https://{}", classroom.address);
    classroom.connect("/commentary", &[("Origin", &ours)]).unwrap().close();
    let (status, head, body) = classroom.get("/");
    assert!(status == 200 && body.contains("socklab classroom"), "{head}");
}

/// Waits until the program has complained about this.
fn complained(program: &Program, of: &str) -> String {
    let deadline = std::time::Instant::now() + SOON;
    loop {
        let complaints = program.complaints();
        if complaints.contains(of) {
            return complaints;
        }
        assert!(std::time::Instant::now() < deadline, "no word of {of:?} in: {complaints}");
        std::thread::yield_now();
    }
}

#[test]
fn who_takes_the_wrong_scheme_or_trusts_nobody_is_explained_on_the_terminal() {
    use std::io::{Read, Write};
    let class = class("schemes", &HERE);
    let secure = open(&class);
    let mut plain = std::net::TcpStream::connect(secure.address).unwrap();
    plain.set_read_timeout(Some(SOON)).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    plain.read_to_end(&mut Vec::new()).unwrap();
    complained(&secure.program, "does not speak TLS: it began with \"GET / HTTP/1.1");

    let stranger = Program::example("ws_client", &[&format!("wss://{}/exhibit", secure.address)]).finish(SOON);
    assert!(stranger.stderr.contains("nobody whom we trust has signed it"), "{}", stranger.stderr);
    complained(&secure.program, "does not trust the authority that signed our certificate");

    let bare = Classroom::open(&[]);
    let root = class.join("root.pem");
    let arguments = ["--root", root.to_str().unwrap(), &format!("wss://{}/exhibit", bare.address)];
    let lost = Program::example("ws_client", &arguments).finish(SOON);
    assert!(lost.stderr.contains("does not speak TLS"), "{}", lost.stderr);
    complained(&bare.program, "the peer speaks TLS, and we do not");
}

#[test]
fn files_that_are_missing_or_do_not_fit_are_named() {
    let (ours, other) = (class("mixed", &HERE), class("other", &HERE));
    let start = |arguments: &[&str]| Program::example("classroom", arguments).finish(SOON);
    for example in ["classroom", "chat"] {
        let ended = Program::example(example, &["--listen", "127.0.0.1:0", "--tls", "no/such/folder"]).finish(SOON);
        assert!(!ended.status.success() && ended.lines.is_empty());
        assert!(ended.stderr.contains("cargo run -p authority -- no/such/folder"), "{}", ended.stderr);
    }
    std::fs::copy(other.join("server-key.pem"), ours.join("server-key.pem")).unwrap();
    let ended = start(&["--listen", "127.0.0.1:0", "--tls", ours.to_str().unwrap()]);
    assert!(ended.stderr.contains("the private key does not belong to the certificate"), "{}", ended.stderr);
    assert!(Identity::from_files(other.join("server.pem"), other.join("server-key.pem")).is_ok());
}

#[test]
fn the_address_to_open_is_https_and_the_chat_and_its_clients_speak_wss() {
    let class = class("chat", &HERE);
    let mut classroom = Program::example("classroom", &["--listen", "127.0.0.1:0", "--tls", class.to_str().unwrap()]);
    let port = classroom.address().port();
    let line = classroom.find_line("the address", |line| line.starts_with("Open in a browser"));
    assert!(line.ends_with(&format!("https://localhost:{port}/")), "{line}");

    let (_chat, address) = Program::server("chat", &["--tls", class.to_str().unwrap()]);
    let root = class.join("root.pem");
    let url = format!("wss://localhost:{}/chat", address.port());
    let mut one = Program::example("ws_client", &["--root", root.to_str().unwrap(), &url]);
    one.find_line("the welcome", |line| line.contains("you are guest"));
    one.say("Hello over TLS");
    one.find_line("what was said", |line| line.ends_with(": Hello over TLS"));
    let finished = Program::example("ws_callback_client", &["--root", root.to_str().unwrap(), &url]).succeed(SOON);
    assert!(finished.lines.iter().filter(|line| line.contains("opening")).count() == 2, "{:?}", finished.lines);
}

// --- in Chromium ---------------------------------------------------------------------------------

/// A home whose browser trusts these roots, and nobody else's but those it came with.
fn home(name: &str, roots: &[&Path]) -> PathBuf {
    let home = empty_folder(&format!("home-{name}-{}", std::process::id()));
    let database = home.join(".pki/nssdb");
    std::fs::create_dir_all(&database).unwrap();
    let certutil = |arguments: &[&str]| {
        let command = tool("certutil", "libnss3-tools");
        let place = format!("sql:{}", database.display());
        run_well("certutil", with(command, [&["-d", &place], arguments].concat()), b"", SOON);
    };
    certutil(&["-N", "--empty-password"]);
    for root in roots {
        certutil(&["-A", "-t", "C,,", "-n", "socklab class", "-i", root.to_str().unwrap()]);
    }
    home
}

/// The browser shows its own page instead, with this reason.
fn refused(browser: &Browser, classroom: &Classroom, reason: &str) {
    browser.visit(&by_name(classroom));
    browser.wait_until(reason, &format!("document.body.innerText.includes({})", json!(reason)));
    assert_eq!(browser.run("return typeof byId"), "undefined", "nothing of the classroom's page has run");
}

/// The classroom in a tab, by its name.
fn visit(browser: &Browser, classroom: &Classroom) {
    browser.viewport(1280, 900);
    browser.visit(&by_name(classroom));
    browser.wait_until("a visitor", "byId('visitor').textContent !== '…'");
}

#[test]
#[ignore = "needs Chromium, its driver and certutil: .ci/run installs them"]
fn chromium_with_the_classs_root_sees_the_story_of_tls() {
    let class = class("browser", &HERE);
    let classroom = open(&class);
    let browser = Browser::open_at_home(&home("trusting", &[&class.join("root.pem")]), &[]);
    visit(&browser, &classroom);
    assert_eq!(browser.run("return isSecureContext && location.protocol"), "https:");
    connect(&browser);
    assert_eq!(browser.run("return exhibit.url.slice(0, 16)"), "wss://localhost:");
    assert_eq!(browser.run("return commentary.socket.url.slice(0, 6)"), "wss://");

    // What was agreed.
    let agreed = |first: &str| row(&browser, "#tls-agreed-table", first);
    browser.wait_until("the agreement", "byId('tls-agreed').querySelector('table')");
    assert_eq!(agreed("Version")[1], "TLS 1.3");
    assert!(agreed("Cipher suite")[1].starts_with("TLS13_"));
    assert_eq!((agreed("Name asked for")[1].as_str(), agreed("Name verified")[1].as_str()), ("localhost", "localhost"));
    assert_eq!(agreed("Above it (ALPN)")[1], "http/1.1");
    assert_eq!(agreed("Your certificate")[1], "none");
    // Though the page has been here before: its exhibit shows it all.
    assert_eq!(agreed("Session")[1], "new");
    let output = run_well(
        "openssl",
        with(
            tool("openssl", "openssl"),
            ["x509", "-noout", "-fingerprint", "-sha256", "-in", class.join("server.pem").to_str().unwrap()],
        ),
        b"",
        SOON,
    );
    let print = String::from_utf8(output).unwrap();
    let print = print.trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase();
    assert!(agreed("The server’s chain")[2].contains(&print), "{print}: {:?}", agreed("The server’s chain"));

    // The records: the beginning in the clear, the rest not, and in it what was said.
    browser.type_into("#text", "for your eyes only");
    browser.click("#send-text button");
    look_at(&browser, "server → browser: Text, 18 bytes");
    let inside = "[...document.querySelectorAll('#tls-records-table tbody tr')]
        .filter((row) => row.textContent.includes('24 bytes of the program') || row.textContent.includes('20 bytes of the program'))";
    browser.wait_until("two records", &format!("{inside}.length === 2"));
    let records = browser.run(&format!("return {inside}.map((row) => [...row.cells].map((cell) => cell.textContent))"));
    // 2 + 4 + 18 bytes of a masked frame, 2 + 18 of a bare one; and 17 that TLS adds to each.
    for (record, direction, crossed, header) in [
        (&records[0], "browser → server", "41 bytes", "1703030029"),
        (&records[1], "server → browser", "37 bytes", "1703030025"),
    ] {
        let cells: Vec<&str> = record.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap()).collect();
        assert_eq!(cells[0], direction);
        let clear: String = cells[1].chars().filter(char::is_ascii_digit).collect();
        assert_eq!(clear, header, "{cells:?}");
        assert_eq!(cells[2], format!("application_data, {crossed}"));
    }
    assert!(records[1][3].as_str().unwrap().contains("for your eye"), "{records}");
    let first = browser.run("return document.querySelector('#tls-records-table tbody tr').textContent");
    assert!(first.as_str().unwrap().contains("handshake: ClientHello"), "{first}");
    assert!(first.as_str().unwrap().contains("not secret"), "{first}");

    // A long message, with the ten bytes of its header, takes several records of 16 KiB each, and in all of them together is
    // what it was.
    browser.click("#ask-large button");
    look_at(&browser, "server → browser: Text, 65,536 bytes");
    let rows = "[...document.querySelectorAll('#tls-records-table tbody tr')].slice(-5).map((row) => row.cells[3].textContent).join()";
    browser.wait_until(
        "five records",
        &format!("{rows}.startsWith('65,546 bytes of the program') && {rows}.split('goes on: ').length === 5"),
    );
    // The ladder has the same in its place, and nobody's secret in a call.
    let ladder = steps(&browser, "#ladder-view-steps", "server");
    for step in ["record", "secured", "plaintext", "head", "frame"] {
        assert!(ladder.iter().any(|each| each == step), "{step}: {ladder:#?}");
    }
    let calls = browser.run(
        "return [...document.querySelectorAll('#ladder-view li[data-step=call]')].map((row) => row.textContent).join()",
    );
    assert!(!calls.as_str().unwrap().contains("GET /exhibit"));

    // An experiment, with the certificate verified by the second client.
    browser.click("[data-experiment=unmasked]");
    browser.wait_until("the outcome", "byId('outcome').className.match(/kept/)");
    let verified =
        "[...document.querySelectorAll('#second-ladder li[data-step=secured]')].map((row) => row.textContent).join()";
    browser.wait_until("both sides", &format!("document.querySelectorAll('#second-ladder li[data-step=secured]').length === 2 && {verified}.includes('verified: 127.0.0.1')"));
    // And to the end.
    browser.run("scrollTo(0, 0)");
    browser.click("#exhibit-toggle");
    browser.wait_until("closed", "byId('exhibit-state').textContent === 'closed with code 1000'");
    connect(&browser);
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium, its driver and certutil: .ci/run installs them"]
fn the_older_version_is_told_as_it_is() {
    let class = class("older", &HERE);
    let classroom = open(&class);
    let home = home("older", &[&class.join("root.pem")]);
    let browser = Browser::open_at_home(&home, &["--ssl-version-max=tls1.2"]);
    visit(&browser, &classroom);
    connect(&browser);
    browser.wait_until("the agreement", "byId('tls-agreed').querySelector('table')");
    assert_eq!(row(&browser, "#tls-agreed-table", "Version")[1], "TLS 1.2");
    assert_eq!(row(&browser, "#tls-agreed-table", "Session")[1], "new");
    browser.click("#send-text button");
    look_at(&browser, "server → browser: Text, 5 bytes");
    let rows = "[...document.querySelectorAll('#tls-records-table tbody tr')].map((row) => row.textContent)";
    // Each record that the program filled has its bytes, and nothing else claims them: a head and a frame each way.
    browser.wait_until("four", &format!("{rows}.filter((row) => row.includes('of the program')).length === 4"));
    let rows = browser.run(&format!("return {rows}"));
    let rows: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect();
    assert!(rows.iter().all(|row| row.contains("application_data") == row.contains("of the program")), "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("even the certificate")), "{rows:#?}");
    assert_eq!(rows.iter().filter(|row| row.contains("’s Finished: it has seen")).count(), 2, "{rows:#?}");
    assert!(rows.last().unwrap().ends_with("Hello"), "{rows:#?}");
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium, its driver and certutil: .ci/run installs them"]
fn chromium_refuses_an_unknown_root_and_another_name() {
    let (ours, other) = (class("unknown", &HERE), class("unknown-other", &HERE));
    let classroom = open(&ours);
    // Nobody trusted, or another class's authority: the same.
    for roots in [&[][..], &[other.join("root.pem").as_path()]] {
        let browser = Browser::open_at_home(&home("distrusting", roots), &[]);
        refused(&browser, &classroom, "NET::ERR_CERT_AUTHORITY_INVALID");
    }
    complained(&classroom.program, "the peer refused TLS with us (");

    let elsewhere = class("elsewhere-browser", &["lab.example"]);
    let roots = Roots::from_file(elsewhere.join("root.pem")).unwrap();
    let tls = ClientTls::trusting(&roots).expecting("lab.example");
    let classroom = Classroom::open_over_tls(&["--tls", elsewhere.to_str().unwrap()], tls);
    let browser = Browser::open_at_home(&home("elsewhere", &[&elsewhere.join("root.pem")]), &[]);
    refused(&browser, &classroom, "NET::ERR_CERT_COMMON_NAME_INVALID");
}

#[test]
#[ignore = "needs Chromium, its driver and certutil: .ci/run installs them"]
fn pictures() {
    let folder = empty_folder("pictures-tls");
    let class = class("pictures", &HERE);
    let classroom = open(&class);
    let browser = Browser::open_at_home(&home("pictures", &[&class.join("root.pem")]), &[]);
    visit(&browser, &classroom);
    connect(&browser);
    browser.click("#send-text button");
    look_at(&browser, "server → browser: Text, 5 bytes");
    browser.click("[data-experiment=ping]");
    browser.wait_until("the outcome", "byId('outcome').className.match(/kept/)");
    take(&browser, "tls-whole", &folder);
    browser.run(
        "for (const other of document.querySelectorAll('main > section:not(#tls):not(#ladder)')) other.hidden = true;",
    );
    take(&browser, "tls", &folder);
    // As it is on a telephone, and not the whole page at once.
    browser.viewport(390, 900);
    browser.run("byId('tls-records').scrollIntoView()");
    browser.screenshot(&folder.join("tls-telephone.png"));
    browser.run("byId('ladder-view').scrollIntoView()");
    browser.screenshot(&folder.join("tls-telephone-ladder.png"));
}

// --- with curl -----------------------------------------------------------------------------------

#[test]
#[ignore = "needs curl: .ci/run installs it"]
fn curl_believes_the_root_and_nothing_else() {
    let class = class("curl", &HERE);
    let classroom = open(&class);
    let root = class.join("root.pem");
    let curl = |arguments: &[&str]| {
        let command =
            with(tool("curl", "curl"), [&["-sS", "--max-time", "20", &by_name(&classroom)], arguments].concat());
        run("curl", command, b"", SOON)
    };
    let (status, page, said) = curl(&["--cacert", root.to_str().unwrap()]);
    assert!(status.success() && String::from_utf8_lossy(&page).contains("socklab classroom"), "{said}");
    let (status, page, _) = curl(&[]);
    assert!(status.code() == Some(60) && page.is_empty(), "{status}");
}
