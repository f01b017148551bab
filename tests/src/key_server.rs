//! A server of an issuer's keys, over TLS, that answers by a scenario's script.
//!
//! It is what stands behind a scenario's cluster on Envoy. Each has a
//! certificate of its own, made when it starts, and Envoy's cluster verifies it
//! and the name in it as a mesh has to.

use anyhow::{Context, Result};
use host_sim::scenario::{ClusterAnswer, Script};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A running key server on a free loopback port. It runs as long as the
/// process.
pub struct KeyServer {
    name: String,
    address: SocketAddr,
    authority: String,
    state: Shared,
}

type Shared = Arc<Mutex<State>>;

struct State {
    script: Script,
    answers: bool,
    calls: u64,
}

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name that the server's certificate is for.
fn host(name: &str) -> String {
    format!("{name}.example")
}

impl KeyServer {
    /// Starts the server behind the cluster `name`.
    ///
    /// # Errors
    ///
    /// When it cannot listen, or its certificate cannot be made.
    pub fn start(name: &str, answers: &[ClusterAnswer]) -> Result<Self> {
        let (authority, tls) = certificate(&host(name))?;
        let state = Arc::new(Mutex::new(State {
            script: Script::new(answers.to_vec()),
            answers: !answers.is_empty(),
            calls: 0,
        }));
        let (sender, receiver) = mpsc::channel();
        let shared = Arc::clone(&state);
        thread::Builder::new()
            .name(format!("keys of {name}"))
            .spawn(move || run(&shared, tls, &sender))
            .context("the key server's thread cannot be started")?;
        let address = receiver
            .recv()
            .context("the key server ended before it listened")??;
        Ok(Self {
            name: name.to_owned(),
            address,
            authority,
            state,
        })
    }

    /// Answers so from now on; without answers, connections break.
    pub fn answer(&self, answers: &[ClusterAnswer]) {
        let mut state = lock(&self.state);
        state.script = Script::new(answers.to_vec());
        state.answers = !answers.is_empty();
    }

    /// How many requests came, or connections while there were no answers.
    #[must_use]
    pub fn calls(&self) -> u64 {
        lock(&self.state).calls
    }

    /// Envoy's cluster of this server: the certificate must be of the server's
    /// authority and for its name.
    #[must_use]
    pub fn cluster(&self) -> Value {
        let host = host(&self.name);
        json!({
            "name": self.name,
            "type": "STATIC",
            "connect_timeout": "5s",
            "load_assignment": {
                "cluster_name": self.name,
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {
                    "address": self.address.ip().to_string(),
                    "port_value": self.address.port(),
                }}}}]}],
            },
            "transport_socket": {
                "name": "envoy.transport_sockets.tls",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.\
                              UpstreamTlsContext",
                    "sni": host,
                    "common_tls_context": {"validation_context": {
                        "trusted_ca": {"inline_string": self.authority},
                        "match_typed_subject_alt_names": [
                            {"san_type": "DNS", "matcher": {"exact": host}},
                        ],
                    }},
                },
            },
        })
    }
}

/// The authority's certificate as PEM, and TLS with one of it for this host.
fn certificate(host: &str) -> Result<(String, ServerConfig)> {
    let key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::new())?;
    // A name of its own: one that is its issuer's has signed itself.
    let name = &mut authority.distinguished_name;
    name.push(DnType::CommonName, format!("authority of {host}"));
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&key)?;
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(vec![host.to_owned()])?.signed_by(&key, &issuer)?;
    let private = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|error| anyhow::anyhow!("the certificate's key: {error}"))?;
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)?;
    Ok((root.pem(), tls))
}

fn run(state: &Shared, tls: ServerConfig, listening: &mpsc::Sender<Result<SocketAddr>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let listener = runtime.and_then(|runtime| {
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        Ok((runtime, listener, address))
    });
    match listener {
        Ok((runtime, listener, address)) => {
            if listening.send(Ok(address)).is_ok() {
                let tls = TlsAcceptor::from(Arc::new(tls));
                runtime.block_on(accept(&listener, &tls, state));
            }
        }
        Err(error) => {
            let error = anyhow::Error::new(error).context("the key server cannot listen");
            // The receiver is gone only when the process ends.
            let _ = listening.send(Err(error));
        }
    }
}

async fn accept(listener: &TcpListener, tls: &TlsAcceptor, state: &Shared) {
    loop {
        // A connection that breaks while it is accepted is the peer's loss.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let mut now = lock(state);
        if now.answers {
            tokio::spawn(serve(stream, tls.clone(), Arc::clone(state)));
        } else {
            now.calls += 1;
        }
    }
}

async fn serve(stream: TcpStream, tls: TlsAcceptor, state: Shared) {
    let Ok(stream) = tls.accept(stream).await else {
        return;
    };
    let service = service_fn(move |request| answer(request, Arc::clone(&state)));
    // Broken connections are part of the script. Each request has one of its
    // own, so that a script that breaks them breaks the next one.
    let _ = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: Request<Incoming>, state: Shared) -> io::Result<Response<Full<Bytes>>> {
    let answer = {
        let mut state = lock(&state);
        state.calls += 1;
        let path = request.uri().path_and_query();
        state.script.answer(path.map_or("/", |path| path.as_str()))
    };
    let broken = || io::Error::from(io::ErrorKind::ConnectionReset);
    let answer = answer.ok_or_else(broken)?;
    tokio::time::sleep(answer.delay.0).await;
    if answer.reset {
        return Err(broken());
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value.as_slice());
    }
    let body = Bytes::copy_from_slice(answer.body.as_slice());
    response.body(Full::new(body)).map_err(io::Error::other)
}
