//! The table of WLanguage's functions has a row for each, and each row an item that says so, a test over real sockets, and a
//! line in the course's page. That page is made from the table: `SOCKLAB_UPDATE=1 cargo test --test wlanguage` writes it.

use std::fs;
use std::path::{Path, PathBuf};

/// Each function that must be there, and the test that shows it over real sockets.
const SHOWN: [(&str, &str, &str); 27] = [
    ("SocketConnect", "tests/outcomes.rs", "every_address_of_a_name_is_tried_until_one_answers"),
    ("SocketConnectSSL", "tests/tls/tests/ours.rs", "a_message_crosses_in_each_direction_and_the_end_is_an_end"),
    ("SocketCreate", "tests/servers.rs", "the_simple_server_serves_one_after_the_other"),
    ("SocketCreateSSL", "tests/tls/tests/ours.rs", "a_message_crosses_in_each_direction_and_the_end_is_an_end"),
    ("SocketCreateUDP", "tests/datagram.rs", "the_sender_is_known_after_a_receive"),
    ("SocketWaitForConnection", "tests/servers.rs", "the_explicit_form_waits_looks_and_decides"),
    ("SocketAccept", "tests/servers.rs", "the_explicit_form_waits_looks_and_decides"),
    ("SocketDeny", "tests/servers.rs", "the_explicit_form_waits_looks_and_decides"),
    ("SocketRead", "tests/outcomes.rs", "message_empty_message_nothing_and_end_are_four_different_things"),
    ("SocketWrite", "tests/outcomes.rs", "a_peer_that_does_not_read_cannot_hold_a_send_for_ever"),
    ("SocketClose", "tests/outcomes.rs", "an_orderly_close_never_loses_our_last_message"),
    ("SocketExist", "tests/outcomes.rs", "is_open_notices_the_peers_end_and_our_own"),
    ("SocketChangeTransmissionMode", "tests/framings.rs", "each_framing_is_on_the_wire_what_its_documentation_says"),
    ("SocketClientInfo", "tests/framings.rs", "both_sides_know_both_addresses"),
    ("NetIPAddress", "tests/names.rs", "a_local_address_leads_to_this_machine"),
    ("WebSocketClientConnect", "tests/callback_client.rs", "each_event_comes_and_an_end_is_the_last"),
    ("WebSocketClientConnectSSL", "tests/tls/tests/ours.rs", "a_websocket_over_tls"),
    ("New connection", "tests/websocket_server.rs", "connected_sees_the_request_and_the_peer"),
    ("Message", "tests/websocket_server.rs", "text_and_bytes_are_told_apart_and_replies_leave_at_once_if_flushed"),
    ("Disconnection", "tests/websocket_server.rs", "each_of_the_four_endings_is_told_apart"),
    ("Global service", "tests/websocket_server.rs", "the_service_ticks_and_its_interval_changes_while_it_runs"),
    ("Global service stop", "tests/websocket_server.rs", "the_stop_says_1001_to_all_and_runs_its_callback_last"),
    (
        "WebSocketListConnectedClient",
        "tests/websocket_server.rs",
        "the_list_names_who_is_there_in_the_order_in_which_they_came",
    ),
    ("WebSocketSend", "tests/websocket_server.rs", "anybody_sends_to_one_or_to_all"),
    ("WebSocketDisconnect", "tests/websocket_server.rs", "a_disconnect_says_code_and_reason_and_is_told_once"),
    ("WebSocketExecute", "tests/websocket_contexts.rs", "a_procedure_runs_in_a_session_whose_client_says_nothing"),
    (
        "WebSocketExecuteGlobalService",
        "tests/websocket_contexts.rs",
        "the_services_context_is_entered_at_once_and_not_at_the_next_tick",
    ),
];

/// A row of the table.
struct Row {
    english: String,
    french: String,
    /// The items, as paths without `crate::`.
    items: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rows() -> Vec<Row> {
    let page = read("src/wlanguage.rs");
    let lines = page.lines().filter_map(|line| line.strip_prefix("//! | ")).skip(1);
    let rows = lines.filter(|line| !line.starts_with('-')).map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let links = cells[2].split("](crate::").skip(1);
        let items = links.map(|link| link.split(')').next().unwrap().to_owned()).collect();
        Row { english: cells[0].replace('`', ""), french: cells[1].replace('`', ""), items }
    });
    rows.collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect();
    files.sort();
    files
}

/// The file in which an item is, and the comment above it.
fn documented(item: &str) -> (PathBuf, String) {
    let mut path = item.rsplit("::");
    let (name, owner) = (path.next().unwrap(), path.next().filter(|owner| owner.starts_with(char::is_uppercase)));
    let begins = |line: &str| {
        let line = line.trim_start().trim_start_matches("pub ");
        ["fn ", "struct ", "trait ", "enum "].iter().any(|kind| {
            let rest = line.strip_prefix(kind).and_then(|rest| rest.strip_prefix(name));
            rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
        })
    };
    for file in sources(&root().join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let (mut comment, mut inside) = (String::new(), owner.is_none());
        for line in text.lines() {
            if let Some(owner) = owner.filter(|_| line.starts_with("impl") || line.starts_with("pub trait")) {
                inside = line.split(|next: char| !next.is_alphanumeric()).any(|word| word == owner);
            }
            match line.trim_start() {
                more if more.starts_with("///") => comment += &format!("{}\n", more.trim_start_matches("///")),
                attribute if attribute.starts_with('#') => {}
                _ if inside && begins(line) => return (file, comment),
                _ => comment.clear(),
            }
        }
    }
    panic!("src/ has no {item}");
}

#[test]
fn the_table_has_a_row_for_each_function_and_no_other() {
    let mut there: Vec<String> = rows().into_iter().map(|row| row.english).collect();
    let mut expected = SHOWN.map(|(function, ..)| function.to_owned());
    there.sort();
    expected.sort();
    assert_eq!(there, expected);
}

#[test]
fn each_item_says_which_function_it_is_in_both_languages() {
    let mut missing = Vec::new();
    for row in rows() {
        assert!(!row.items.is_empty(), "{} has no item", row.english);
        let mut says = String::new();
        for item in &row.items {
            says += &documented(item).1;
        }
        let words: String = says.split_whitespace().collect::<Vec<_>>().join(" ");
        for name in [&row.english, &row.french] {
            // Functions are code, events are words.
            let is_function = row.english.contains("Socket") || row.english.contains("IP");
            let quoted = if is_function { format!("`{name}`") } else { format!("\"{name}\"") };
            if !words.contains(&quoted) {
                missing.push(format!("{:?}: {quoted}", row.items));
            }
        }
    }
    assert!(missing.is_empty(), "the documentation does not name {missing:#?}");
}

#[test]
fn each_row_is_shown_by_a_test_that_always_runs() {
    for (function, file, test) in SHOWN {
        let text = read(file);
        let place = text.find(&format!("fn {test}()")).unwrap_or_else(|| panic!("{function}: {file} has no {test}"));
        let above = text[..place].trim_end().rsplit("\n\n").next().unwrap();
        assert!(
            above.contains("#[test]") && !above.contains("ignore"),
            "{function}: {test} is no test, or does not always run"
        );
    }
}

#[test]
fn the_courses_page_is_the_same_table() {
    let page = read("src/wlanguage.rs");
    let mut text: String =
        page.lines().map(|line| line.trim_start_matches("//!").trim_start_matches(' ').to_owned() + "\n").collect();
    while let Some(start) = text.find("](crate::") {
        let end = start + text[start..].find(')').unwrap();
        let (file, _) = documented(&text[start + "](crate::".len()..end]);
        let file = file.strip_prefix(root()).unwrap().display().to_string();
        text.replace_range(start..=end, &format!("](../{file})"));
    }
    let made = format!("# The functions of WLanguage\n\n{text}");
    let path = root().join("course/wlanguage.md");
    if std::env::var_os("SOCKLAB_UPDATE").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "course/wlanguage.md is not what the table makes: SOCKLAB_UPDATE=1 cargo test --test wlanguage"
    );
}
