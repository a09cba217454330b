//! The program as a lecturer runs it, and its files as socklab, openssl and another authority's client see them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use socklab::{Client, ClientTls, Error, Framing, Identity, Received, Roots, ServerTls, Settings, SimpleServer};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

/// A folder of this test's own, which does not exist yet.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn authority(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_authority")).arg(folder).args(arguments).output().unwrap()
}

fn make(folder: &Path, arguments: &[&str]) -> String {
    let output = authority(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refuse(folder: &Path, arguments: &[&str]) -> String {
    let output = authority(folder, arguments);
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn limits() -> Settings {
    let limit = Duration::from_secs(20);
    Settings { handshake_limit: limit, connect_limit: limit, receive_limit: limit, ..Settings::default() }
}

/// One line there and one back, between a server and a client that use these files. The error is the client's.
fn exchange(server: &Path, client: &Path, host: &str) -> Result<(), Error> {
    let identity = Identity::from_files(server.join("server.pem"), server.join("server-key.pem"))?;
    let clients = Roots::from_file(server.join("root.pem"))?;
    let tls = ServerTls::new(&identity).require_client_certificates(&clients);
    let settings = Settings { server_tls: Some(tls), framing: Framing::lines(), ..limits() };
    let mut listener = SimpleServer::bind_with("127.0.0.1:0", &settings)?;
    let target = format!("{host}:{}", listener.local_address().port());
    let serving = thread::spawn(move || {
        let mut connection = listener.accept()?;
        let received = connection.receive()?;
        connection.send("yes")?;
        connection.close();
        Ok::<_, Error>((received, connection.tls().cloned()))
    });

    let identity = Identity::from_files(client.join("client.pem"), client.join("client-key.pem"))?;
    let tls = ClientTls::trusting(&Roots::from_file(client.join("root.pem"))?).identity(&identity);
    let settings = Settings { client_tls: Some(tls), framing: Framing::lines(), ..limits() };
    let talk = || {
        let mut client = Client::connect_with(&target, &settings)?;
        client.send("is it you?")?;
        assert_eq!(client.receive()?, Received::Message(b"yes".to_vec()));
        client.close();
        Ok(())
    };
    let talked = talk();
    let served = serving.join().unwrap();
    if talked.is_ok() {
        let (received, secured) = served?;
        assert_eq!(received, Received::Message(b"is it you?".to_vec()));
        assert!(secured.unwrap().verified, "the client has shown its certificate");
    }
    talked
}

#[test]
fn what_it_makes_is_believed_under_each_name_and_no_other() {
    let class = folder("believed");
    let printed = make(&class, &[]);
    for host in ["localhost", "127.0.0.1"] {
        exchange(&class, &class, host).unwrap_or_else(|error| panic!("{host}: {error}"));
    }
    // What it says must be what it did.
    for part in ["localhost, 127.0.0.1, ::1", "120 days", "root.pem", "--cacert", "Distrust", "thrown away"] {
        assert!(printed.contains(part), "{part} is missing in\n{printed}");
    }

    let other = folder("other-name");
    make(&other, &["--name", "lab.example", "--name", "192.0.2.7", "--days", "1"]);
    let error = exchange(&other, &other, "localhost").unwrap_err().to_string();
    assert!(error.contains("lab.example") && error.contains("192.0.2.7"), "{error}");
}

#[test]
fn another_class_is_not_believed() {
    let (ours, theirs) = (folder("ours"), folder("theirs"));
    make(&ours, &[]);
    make(&theirs, &[]);
    let error = exchange(&theirs, &ours, "localhost").unwrap_err().to_string();
    assert!(error.contains("nobody whom we trust has signed it"), "{error}");
}

#[test]
fn a_clients_certificate_is_none_for_a_server() {
    let class = folder("purposes");
    make(&class, &[]);
    for (from, to) in [("client.pem", "server.pem"), ("client-key.pem", "server-key.pem")] {
        fs::copy(class.join(from), class.join(to)).unwrap();
    }
    let error = exchange(&class, &class, "localhost").unwrap_err().to_string();
    assert!(error.contains("we do not trust the peer's certificate"), "{error}");
}

#[test]
fn no_file_is_replaced_unless_forced_and_then_all_are() {
    let class = folder("replaced");
    let read = |name| fs::read(class.join(name)).ok();
    make(&class, &[]);
    let (root, key) = (read("root.pem"), read("server-key.pem"));
    // One that is left of them is enough.
    for name in ["root.pem", "server.pem", "client.pem", "client-key.pem"] {
        fs::remove_file(class.join(name)).unwrap();
    }
    let problem = refuse(&class, &[]);
    assert!(problem.contains("server-key.pem is there already") && problem.contains("--force"), "{problem}");
    assert_eq!((read("root.pem"), read("server-key.pem")), (None, key.clone()));
    make(&class, &["--force"]);
    assert!(read("root.pem") != root && read("server-key.pem") != key);
    exchange(&class, &class, "localhost").unwrap();
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_a_key() {
    use std::os::unix::fs::PermissionsExt;
    let class = folder("readers");
    let mode = |name: &str| fs::metadata(class.join(name)).unwrap().permissions().mode() & 0o777;
    make(&class, &[]);
    for key in ["server-key.pem", "client-key.pem"] {
        assert_eq!(mode(key), 0o600, "{key}");
        // A file that was open to all is not written into.
        fs::set_permissions(class.join(key), fs::Permissions::from_mode(0o666)).unwrap();
    }
    make(&class, &["--force"]);
    for key in ["server-key.pem", "client-key.pem"] {
        assert_eq!(mode(key), 0o600, "{key}, replaced");
    }
    assert_ne!(mode("root.pem") & 0o044, 0, "the root is for everybody, as far as the owner's own rules allow");
}

#[test]
fn there_is_no_key_of_the_root() {
    let class = folder("no-root-key");
    make(&class, &[]);
    let mut names: Vec<_> = fs::read_dir(&class).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["client-key.pem", "client.pem", "root.pem", "server-key.pem", "server.pem"]);
    assert!(Identity::from_files(class.join("root.pem"), class.join("server-key.pem")).is_err());
}

#[test]
fn a_mistake_is_explained_and_nothing_is_written() {
    let class = folder("mistakes");
    for (arguments, wanted) in [
        (&["--name", "https://lab.example/"][..], "neither a host name nor an address"),
        (&["--name", "lab.example:8080"], "without a port"),
        (&["--name", "192.0.2.300"], "192.0.2.300"),
        (&["--name", ""], "neither"),
        (&["--days", "0"], "from 1 to 825"),
        (&["--days", "9999999"], "from 1 to 825"),
        (&["--days", "soon"], "soon"),
        (&["--nonsense"], "--nonsense"),
        (&["a second folder"], "a second folder"),
    ] {
        let problem = refuse(&class, arguments);
        assert!(problem.contains(wanted), "{arguments:?}: {problem}");
        assert!(!class.exists(), "{arguments:?}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_authority")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("authority DIR"));

    let file = folder("a-file");
    fs::write(&file, "not a folder").unwrap();
    let problem = refuse(&file, &[]);
    assert!(problem.contains("could not be written"), "{problem}");
}

#[test]
#[ignore = "needs openssl: .ci/run installs it"]
fn openssl_believes_it_too() {
    let class = folder("openssl");
    make(&class, &[]);
    let openssl = |arguments: &[&str]| {
        let output =
            Command::new("openssl").args(arguments).current_dir(&class).output().expect("openssl is installed");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let verify = ["verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", "root.pem", "-purpose"];
    for (purpose, name, file, good) in [
        ("sslserver", "localhost", "server.pem", true),
        ("sslserver", "lab.example", "server.pem", false),
        ("sslclient", "", "client.pem", true),
        ("sslserver", "", "client.pem", false),
        ("sslclient", "", "server.pem", false),
    ] {
        let name: &[&str] = if name.is_empty() { &[] } else { &["-verify_hostname", name] };
        let arguments = [&verify[..], &[purpose], name, &[file]].concat();
        let (success, said) = openssl(&arguments);
        assert_eq!(success, good, "{arguments:?}: {said}");
    }
    let ip = [&verify[..], &["sslserver", "-verify_ip", "::1", "server.pem"]].concat();
    assert!(openssl(&ip).0);
    let (_, text) = openssl(&["x509", "-in", "root.pem", "-noout", "-text"]);
    assert!(text.contains("CA:TRUE, pathlen:0") && text.contains("CN = socklab class of 20"), "{text}");
}
