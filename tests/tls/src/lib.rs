//! What every test of TLS needs: an authority, and settings for both sides.

pub mod raw;

pub use authority::{Authority, Purpose, Signed};
use socklab::{Client, ClientTls, Identity, Received, Roots, ServerTls, Settings, SimpleServer};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// An authority, and a server and a client that it has signed.
pub struct World {
    pub authority: Authority,
    pub roots: Roots,
    pub server: Identity,
    pub client: Identity,
    /// The same two as they stand in files.
    pub server_files: Signed,
    pub client_files: Signed,
}

impl World {
    pub fn new() -> World {
        World::of("socklab test root")
    }

    /// The same, with an authority of this name.
    pub fn of(name: &str) -> World {
        let authority = Authority::new(name).unwrap();
        let roots = Roots::from_pem(authority.root()).unwrap();
        let server_files = authority.sign(Purpose::Server, &["localhost", "127.0.0.1", "::1"], 30).unwrap();
        let client_files = authority.sign(Purpose::Client, &["a student"], 30).unwrap();
        let (server, client) = (identity(&server_files), identity(&client_files));
        World { authority, roots, server, client, server_files, client_files }
    }

    /// Puts them into files, named as the class's authority names them.
    pub fn write(&self, folder: &Path) {
        for (name, text) in [
            ("root.pem", &self.authority.root()),
            ("server.pem", &self.server_files.certificate),
            ("server-key.pem", &self.server_files.key),
            ("client.pem", &self.client_files.certificate),
            ("client-key.pem", &self.client_files.key),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }

    /// A server that shows its certificate and asks for none.
    pub fn serving(&self) -> Settings {
        Settings { server_tls: Some(ServerTls::new(&self.server)), ..patient() }
    }

    /// A client that trusts the authority.
    pub fn trusting(&self) -> Settings {
        Settings { client_tls: Some(ClientTls::trusting(&self.roots)), ..patient() }
    }
}

impl Default for World {
    fn default() -> World {
        World::new()
    }
}

pub fn identity(signed: &Signed) -> Identity {
    Identity::from_pem(&signed.certificate, &signed.key).unwrap()
}

/// Limits that a busy machine keeps.
pub fn patient() -> Settings {
    let limit = Duration::from_secs(20);
    Settings { connect_limit: limit, handshake_limit: limit, receive_limit: limit, ..Settings::default() }
}

/// A message each way, and the end; twice, so that the second takes the session up again.
pub fn converse(serving: &Settings, connecting: &Settings) {
    let mut server = SimpleServer::bind_with("127.0.0.1:0", serving).unwrap();
    let address = server.local_address().to_string();
    for _ in 0..2 {
        let connecting = connecting.clone();
        let address = address.clone();
        let client = thread::spawn(move || {
            let mut client = Client::connect_with(&address, &connecting).unwrap();
            client.send("Is anybody there?").unwrap();
            assert_eq!(client.receive().unwrap(), Received::Message(b"Yes.".to_vec()));
            client.close();
        });
        let mut connection = server.accept().unwrap();
        assert_eq!(connection.receive().unwrap(), Received::Message(b"Is anybody there?".to_vec()));
        connection.send("Yes.").unwrap();
        assert_eq!(connection.receive().unwrap(), Received::Closed);
        connection.close();
        drop(connection);
        client.join().unwrap();
    }
}
