//! The classroom as a student and a lecturer see it: the whole page in a headless Chromium.

use crate::guest::{Classroom, hex};
use crate::screen::{connect, field, frame_listed, look_at, row, steps, take, visit};
use crate::support::empty_folder;
use crate::support::webdriver::Browser;
use serde_json::json;

#[test]
#[ignore = "needs Chromium and its driver: .ci/run installs them"]
fn a_visitor_connects_sends_each_kind_and_sees_it_taken_apart() {
    let classroom = Classroom::open(&[]);
    let browser = Browser::open();
    visit(&browser, &classroom);
    assert_eq!(browser.text("#join"), classroom.url());
    assert_eq!(
        browser.run("return byId('tls').offsetHeight + byId('tls-link').offsetWidth"),
        0,
        "there is no TLS here"
    );
    connect(&browser);

    // The ladder: from the listener to the open WebSocket.
    browser.wait_until("the state", "document.querySelector('#ladder-view li.step-state')");
    let ladder = steps(&browser, "#ladder-view-steps", "server");
    let begins = ["call socket, bind, listen", "call accept", "call read", "head", "head"];
    let mut rest = ladder.iter();
    for step in begins {
        assert!(rest.any(|each| each == step), "no {step} in its place: {ladder:#?}");
    }

    // The handshake, each header explained, and the key computed a second time by the page.
    let accept = row(&browser, "#answer-headers", "Sec-WebSocket-Accept");
    assert!(accept[2].contains("section 4.2.2"), "{accept:?}");
    assert!(row(&browser, "#request-headers", "Origin")[1].contains(&classroom.address.to_string()));
    browser.wait_until("the check", "document.querySelectorAll('#accept-key-steps tbody tr').length === 5");
    for step in ["2. Append the GUID", "3. SHA-1: 20 bytes, in hex", "4. Base64", "5. In the answer"] {
        assert_eq!(row(&browser, "#accept-key-steps", step)[2], "✓ same", "{step}");
    }
    assert_eq!(
        row(&browser, "#accept-key-steps", "5. In the answer")[1],
        format!("Sec-WebSocket-Accept: {}", accept[1])
    );

    // Text: masked on the way to the server, bare on the way back.
    browser.type_into("#text", "Grüße");
    browser.click("#send-text button");
    look_at(&browser, "browser → server: Text, 7 bytes");
    assert_eq!(field(&browser, "FIN"), ("1".into(), "yes: the message ends with this frame".into()));
    assert!(field(&browser, "opcode").1.starts_with("0x1 Text"));
    assert_eq!(field(&browser, "MASK").0, "1");
    assert_eq!(field(&browser, "length"), ("0000111".into(), "7: bytes of payload".into()));
    assert!(browser.text("#frames-view-meaning").contains("“Grüße”"));
    assert!(browser.text("#frames-view-detail .verdict").contains("Legal"));
    let key = field(&browser, "masking key").1;
    for (place, byte) in "Grüße".bytes().enumerate() {
        let cells = row(&browser, "#frames-view-payload", &place.to_string());
        let number = |cell: &str| u8::from_str_radix(cell.split(' ').nth(1).unwrap(), 16).unwrap();
        assert_eq!(number(&cells[3]), byte);
        assert_eq!(number(&cells[1]) ^ number(&cells[2]), byte, "{cells:?}");
        assert!(key.contains(&format!("{:02x}", number(&cells[2]))), "{key} {cells:?}");
    }
    look_at(&browser, "server → browser: Text, 7 bytes");
    assert_eq!(field(&browser, "MASK").0, "0");
    browser.wait_until("the event", "byId('seen').textContent.includes('“Grüße”')");

    // Binary.
    browser.type_into("#hex", "00 01 fe ff");
    browser.click("#send-binary button");
    look_at(&browser, "browser → server: Binary, 4 bytes");
    assert!(field(&browser, "opcode").1.starts_with("0x2 Binary"));
    assert!(row(&browser, "#frames-view-payload", "3")[3].ends_with("ff"));

    // What the server sends on request.
    browser.click("#ask-ping button");
    look_at(&browser, "server → browser: Ping, 12 bytes");
    look_at(&browser, "browser → server: Pong, 12 bytes");
    assert!(browser.text("#frames-view-meaning").contains("“still there?”"));
    browser.click("#ask-fragments button");
    look_at(&browser, "server → browser: Text, 9 bytes, more follow");
    assert_eq!(field(&browser, "FIN").0, "0");
    frame_listed(&browser, "server → browser: Continuation, 9 bytes, more follow");
    look_at(&browser, "server → browser: Continuation, 9 bytes");
    browser.wait_until("one event", "byId('seen').textContent.includes('“one message, several frames”')");
    browser.click("#ask-large button");
    look_at(&browser, "server → browser: Text, 65,536 bytes");
    assert!(field(&browser, "extended length").1.starts_with("65536: bytes of payload, as a 64-bit number"));
    assert!(browser.text("#frames-view-detail").contains("64,512 more bytes"));

    // Close.
    browser.type_into("#close-code", "4001");
    browser.type_into("#close-reason", "enough");
    browser.click("#send-close button");
    browser.wait_until("closed", "byId('exhibit-state').textContent === 'closed with code 4001'");
    look_at(&browser, "browser → server: Close, 8 bytes");
    assert!(browser.text("#frames-view-meaning").contains("close code 4001"));
    assert!(browser.text("#frames-view-meaning").contains("“enough”"));
    look_at(&browser, "server → browser: Close, 2 bytes");
    browser.wait_until("close()", "document.querySelector('#ladder-view li[data-call=close]')");
    assert!(browser.text("#seen li").contains("clean: both sides sent a Close"));
    // And once more.
    connect(&browser);
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium and its driver: .ci/run installs them"]
fn every_button_of_the_second_client_shows_an_outcome_and_both_ladders() {
    let classroom = Classroom::open(&[]);
    let browser = Browser::open();
    visit(&browser, &classroom);
    let outcomes = [
        ("fragmented", "one message, three frames"),
        ("ping", "Pong of the same payload"),
        ("single_bytes", "read the head to its end"),
        ("unmasked", "Close 1002"),
        ("reserved_opcode", "Close 1002"),
        ("rsv", "Close 1002"),
        ("invalid_utf8", "Close 1007"),
        ("close_one_byte", "Close 1002"),
        ("long_control", "Close 1002"),
        ("long_length", "Close 1002"),
        ("no_upgrade", "426"),
        ("wrong_version", "426"),
    ];
    assert_eq!(outcomes.map(|(name, _)| name).to_vec(), crate::experiments());
    for (name, expected) in outcomes {
        browser.click(&format!("[data-experiment={name}]"));
        browser.wait_until(name, "byId('outcome').className.match(/kept|broken/)");
        let outcome = browser.text("#outcome");
        assert!(outcome.contains("✓ As RFC 6455 asks.") && outcome.contains(expected), "{name}: {outcome}");
        let both = "['client', 'server'].every((role) =>
            document.querySelector(`#second-ladder li[data-role=${role}][data-call=close]`))";
        browser.wait_until("both ends' close", both);
        for (role, first) in [("client", "call socket, connect"), ("server", "call accept")] {
            let steps = steps(&browser, "#second-ladder-steps", role);
            // On a busy machine a wait was long enough to have a row of its own.
            let done = steps.iter().find(|step| !step.starts_with("wait"));
            assert_eq!(done.map(String::as_str), Some(first), "{name}: {steps:#?}");
            assert!(steps.iter().any(|step| step == "head"), "{name}: {steps:#?}");
        }
        // The frame that breaks a rule is the one that is shown.
        if expected.starts_with("Close") {
            assert!(browser.text("#second-frames-detail .verdict").contains("Illegal"), "{name}");
        }
    }
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium and its driver: .ci/run installs them"]
fn the_projector_shows_who_comes_and_only_the_lecturers_sends_somebody_out() {
    let classroom = Classroom::open(&[]);
    let browser = Browser::open();
    let projector = browser.tab();
    browser.visit(&format!("{}projector?key={}", classroom.url(), classroom.lecturer));
    browser.wait_until("an empty room", "byId('counts').textContent === '0 visitors, 0 exhibits open'");
    assert_eq!(browser.text("#join"), classroom.url());
    let address = browser.run("return location.href");
    assert!(!address.as_str().unwrap().contains(&classroom.lecturer), "the key is not shown to the room: {address}");

    let first = visit(&browser, &classroom);
    let second = visit(&browser, &classroom);
    connect(&browser);
    browser.switch_to(&projector);
    browser.wait_until("two", "byId('counts').textContent === '2 visitors, 1 exhibit open'");
    let line = "document.querySelector('tr[data-visitor=\"3\"]').textContent";
    browser.wait_until("the exhibit's thread", &format!("{line}.includes('on client ')"));

    // Without the key there are no buttons, and to know what they would send is of no use.
    let onlooker = browser.new_tab();
    browser.visit(&format!("{}projector?key=wrong", classroom.url()));
    browser.wait_until("two", "byId('counts').textContent === '2 visitors, 1 exhibit open'");
    assert_eq!(browser.run("return document.querySelectorAll('[data-disconnect]').length"), 0);
    assert!(browser.text("#mode").contains("only looks"));
    browser.run("commentary.send({ do: 'disconnect', visitor: 3, key: 'wrong' })");
    browser.wait_until("a refusal", "!byId('problem').hidden");
    assert!(browser.text("#problem-text").contains("the lecturer's key"));

    browser.switch_to(&projector);
    browser.click("[data-disconnect='3']");
    browser.wait_until("one left", "byId('counts').textContent === '1 visitor, 0 exhibits open'");
    browser.switch_to(&second);
    browser.wait_until("sent out", "!byId('lost').hidden");
    assert!(browser.text("#lost").contains("ended it with code 1008: “the lecturer has disconnected you”"));
    assert_eq!(browser.text("#exhibit-state"), "closed with code 1008");
    browser.click("#reconnect");
    browser.wait_until("a new visitor", "byId('visitor').textContent === '5'");

    browser.switch_to(&first);
    browser.wait_until("two in the room", "byId('room-clients').rows.length === 2");
    assert!(browser.run("return byId('lost').hidden").as_bool().unwrap(), "the other visitor noticed nothing");
    browser.close_tab();
    browser.switch_to(&projector);
    browser.wait_until("one left", "byId('counts').textContent === '1 visitor, 0 exhibits open'");
    for tab in [projector, second, onlooker] {
        browser.switch_to(&tab);
        assert_eq!(browser.errors(), Vec::<String>::new());
    }
}

#[test]
#[ignore = "needs Chromium and its driver: .ci/run installs them"]
fn a_browser_is_told_its_own_bytes_only() {
    let classroom = Classroom::open(&[]);
    let browser = Browser::open();
    let own = visit(&browser, &classroom);
    // Everything the commentary says from now on, as it came.
    browser.run("window.raw = []; commentary.socket.addEventListener('message', (event) => raw.push(event.data));");
    connect(&browser);
    let other = visit(&browser, &classroom);
    connect(&browser);
    browser.type_into("#text", "not for your eyes");
    browser.click("#send-text button");
    look_at(&browser, "server → browser: Text, 17 bytes");
    browser.click("[data-experiment=unmasked]");
    browser.wait_until("outcome", "byId('outcome').className.match(/kept/)");
    let token = browser.run("return welcome.token");

    browser.switch_to(&own);
    browser.type_into("#text", "mine");
    browser.click("#send-text button");
    look_at(&browser, "server → browser: Text, 4 bytes");
    browser.wait_until("the room", "raw.some((text) => text.includes('\"room\"') && text.includes('\"visitor\":2'))");
    let raw = browser.run("return raw.join('\\n')");
    let raw = raw.as_str().unwrap();
    assert!(raw.contains(&hex(b"mine")));
    for foreign in [&hex(b"not for your eyes"), "not for your eyes", token.as_str().unwrap(), "\"second\""] {
        assert!(!raw.contains(foreign), "{foreign}");
    }
    for tab in [own, other] {
        browser.switch_to(&tab);
        assert_eq!(browser.errors(), Vec::<String>::new());
    }
}

/// The pictures of the README, and others to look at: they lie in `target/tmp/pictures` afterwards.
///
/// ```text
/// cargo test --test classroom pictures -- --ignored
/// pngquant --force --output course/pictures/classroom.png target/tmp/pictures/classroom.png
/// pngquant --force --output course/pictures/projector.png target/tmp/pictures/projector.png
/// ```
#[test]
#[ignore = "needs Chromium and its driver: .ci/run installs them"]
fn pictures() {
    let folder = empty_folder("pictures");
    let classroom = Classroom::open(&[]);
    let browser = Browser::open();
    let projector = browser.tab();
    let tabs = [visit(&browser, &classroom), visit(&browser, &classroom), visit(&browser, &classroom)];
    for tab in &tabs[1..] {
        browser.switch_to(tab);
        connect(&browser);
        browser.click("#send-text button");
        look_at(&browser, "browser → server: Text, 5 bytes");
    }
    take(&browser, "exchange", &folder);
    // For the README: the ladder and the frame, which on the page itself lie far apart, without the words around them.
    let others =
        "main > section:not(#ladder):not(#frames), #ladder > p, #frames > p, .wide:has(#frames-view-fields), footer";
    let hide = "for (const other of document.querySelectorAll(arguments[0])) other.hidden = arguments[1];";
    browser.run_with(hide, json!([others, true]));
    browser.run("scrollTo(0, 0)");
    browser.screenshot_of_page(&folder.join("classroom.png"));
    browser.run_with(hide, json!([others, false]));
    browser.click("[data-experiment=unmasked]");
    browser.wait_until("the outcome", "byId('outcome').className.match(/kept/)");
    take(&browser, "experiment", &folder);

    browser.switch_to(&projector);
    browser.visit(&format!("{}projector?key={}", classroom.url(), classroom.lecturer));
    browser.wait_until("three", "byId('counts').textContent === '3 visitors, 2 exhibits open'");
    take(&browser, "projector", &folder);
    browser.viewport(1280, 700);
    browser.screenshot(&folder.join("projector.png"));
}
