//! Which item here does what which function of WLanguage does?
//!
//! The functions are those of WINDEV's chapters on sockets and WebSockets, with the names that they have there in English and
//! in French. Each item names its function in its own documentation as well, so that a search finds it from either side.
//!
//! | WLanguage | in French | socklab | what is different |
//! |---|---|---|---|
//! | `SocketConnect` | `SocketConnecte` | [`Client::connect`](crate::Client::connect) | a deadline; every address of the name is tried, IPv6 and IPv4 |
//! | `SocketConnectSSL` | `SocketConnecteSSL` | [`ClientTls`](crate::ClientTls) | TLS 1.2 and 1.3 only; the name is verified |
//! | `SocketCreate` | `SocketCrée` | [`SimpleServer::bind`](crate::SimpleServer::bind), [`StandardServer::bind`](crate::StandardServer::bind) | port 0 takes any free one |
//! | `SocketCreateSSL` | `SocketCréeSSL` | [`ServerTls`](crate::ServerTls) | certificate and key from PEM files |
//! | `SocketCreateUDP` | `SocketCréeUDP` | [`Datagram`](crate::Datagram) | what was cut short is told |
//! | `SocketWaitForConnection` | `SocketAttendConnexion` | [`StandardServer::wait`](crate::StandardServer::wait) | a deadline; a stop ends it |
//! | `SocketAccept` | `SocketAccepte` | [`Newcomer::accept`](crate::Newcomer::accept) | an owned connection |
//! | `SocketDeny` | `SocketRefuse` | [`Newcomer::refuse`](crate::Newcomer::refuse) | the address is seen first |
//! | `SocketRead` | `SocketLit` | [`Connection::receive`](crate::Connection::receive) | message, nothing, end and error are four things |
//! | `SocketWrite` | `SocketEcrit` | [`Connection::send`](crate::Connection::send) | all of it, or an error; a deadline |
//! | `SocketClose` | `SocketFerme` | [`Connection::close`](crate::Connection::close) | the peer never loses the last message |
//! | `SocketExist` | `SocketExiste` | [`Connection::is_open`](crate::Connection::is_open) | notices the peer's end |
//! | `SocketChangeTransmissionMode` | `SocketChangeModeTransmission` | [`Connection::set_framing`](crate::Connection::set_framing) | binary lengths too; a maximum; not for WebSockets |
//! | `SocketClientInfo` | `SocketClientInfo` | [`Connection::peer_address`](crate::Connection::peer_address) | our own address too |
//! | `NetIPAddress` | `NetAdresseIP` | [`local_addresses`](crate::local_addresses) | those that a client can use |
//! | `WebSocketClientConnect` | `WebSocketClientConnecte` | [`WebSocket::connect`](crate::websocket::WebSocket::connect), [`WebSocketClient`](crate::websocket::WebSocketClient) | the port of the scheme; events on a thread of their own, or pumped |
//! | `WebSocketClientConnectSSL` | `WebSocketClientConnecteSSL` | [`WebSocket::connect`](crate::websocket::WebSocket::connect) with `wss://` | as above, with [`ClientTls`](crate::ClientTls) |
//! | New connection | Nouvelle connexion | [`Application::connected`](crate::websocket::Application::connected) | sees the request, and may refuse |
//! | Message | Message | [`Application::message`](crate::websocket::Application::message) | text and bytes are told apart |
//! | Disconnection | Déconnexion | [`Application::disconnected`](crate::websocket::Application::disconnected) | once, and how it ended |
//! | Global service | Service global | [`Application::tick`](crate::websocket::Application::tick) | the interval can be changed while it runs |
//! | Global service stop | Arrêt du service global | [`Application::stopped`](crate::websocket::Application::stopped) | after the last session |
//! | `WebSocketListConnectedClient` | `WebSocketListeClientConnecté` | [`ServerHandle::sessions`](crate::websocket::ServerHandle::sessions) | handles, harmless once their session is gone |
//! | `WebSocketSend` | `WebSocketEnvoie` | [`SessionHandle::text`](crate::websocket::SessionHandle::text) | says whether it was accepted |
//! | `WebSocketDisconnect` | `WebSocketDéconnecte` | [`SessionHandle::disconnect`](crate::websocket::SessionHandle::disconnect) | with code and reason |
//! | `WebSocketExecute` | `WebSocketExécute` | [`SessionHandle::execute`](crate::websocket::SessionHandle::execute) | any closure, at once, and its result |
//! | `WebSocketExecuteGlobalService` | `WebSocketExécuteServiceGlobal` | [`ServerHandle::execute_in_service`](crate::websocket::ServerHandle::execute_in_service) | at once, not at the next tick |
//!
//! After a connect, `SocketRead`, `SocketWrite`, `SocketClose` and `SocketExist` work on a WebSocket as on any socket: that is
//! the trait [`Conversation`](crate::Conversation).
