//! gRPC over HTTP/2: one call for each request that Envoy asks about.

use crate::message::{CHECK, CheckRequest, CheckResponse, HttpRequest};
use crate::policy::Policy;
use crate::token::Tokens;
use anyhow::{Context, Result};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

/// Calls at a time on one connection. Envoy has a connection for each worker.
const MAX_CALLS: u32 = 1_000;

/// What answers.
#[derive(Clone)]
pub enum Form {
    /// Allows everything, without a look at it.
    AtOnce,
    /// Verifies the token and evaluates the policy. The lock is never waited
    /// for: there is one thread.
    Rules(Arc<Mutex<Rules>>),
}

/// The policy, and the tokens that it is asked with.
pub struct Rules {
    /// The policy.
    pub policy: Policy,
    /// The tokens.
    pub tokens: Tokens,
}

impl Rules {
    /// Decides. Without a valid token the policy is asked with no scopes.
    fn decide(&mut self, request: &HttpRequest) -> Result<CheckResponse, Status> {
        let authorization = request.headers.get("authorization");
        let scopes = self.tokens.scopes(authorization.map(String::as_str));
        let scopes = scopes.unwrap_or_else(regorus::Value::new_array);
        let allows = self.policy.allows(&request.method, &request.path, scopes);
        match allows.map_err(|error| Status::internal(format!("{error:#}")))? {
            true => Ok(CheckResponse::allowed()),
            false => Ok(CheckResponse::forbidden()),
        }
    }
}

type Answer<T> = Ready<Result<Response<T>, Status>>;

/// The call, where nothing of its request is decoded.
struct AtOnce;

impl UnaryService<()> for AtOnce {
    type Response = CheckResponse;
    type Future = Answer<CheckResponse>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(CheckResponse::allowed())))
    }
}

/// The call, decided by rules.
struct Decided(Arc<Mutex<Rules>>);

impl UnaryService<CheckRequest> for Decided {
    type Response = CheckResponse;
    type Future = Answer<CheckResponse>;

    fn call(&mut self, request: Request<CheckRequest>) -> Self::Future {
        let attributes = request.into_inner().attributes;
        let http = attributes
            .and_then(|attributes| attributes.request)
            .and_then(|request| request.http)
            .ok_or_else(|| Status::invalid_argument("no http request"));
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ready(http.and_then(|http| rules.decide(&http)).map(Response::new))
    }
}

async fn call(form: Form, request: hyper::Request<Incoming>) -> hyper::Response<Body> {
    if request.uri().path() != CHECK {
        return Status::unimplemented("").into_http();
    }
    match form {
        Form::AtOnce => {
            let mut grpc = Grpc::new(ProstCodec::default());
            grpc.unary(AtOnce, request).await
        }
        Form::Rules(rules) => {
            let mut grpc = Grpc::new(ProstCodec::default());
            grpc.unary(Decided(rules), request).await
        }
    }
}

/// Serves every connection that comes.
///
/// # Errors
///
/// When no connection can be accepted any more.
pub async fn serve(listener: TcpListener, form: Form) -> Result<()> {
    loop {
        let (stream, _) = listener
            .accept()
            .await
            .context("no connection can be accepted")?;
        stream
            .set_nodelay(true)
            .context("TCP_NODELAY cannot be set")?;
        tokio::spawn(connection(stream, form.clone()));
    }
}

async fn connection(stream: TcpStream, form: Form) {
    let service = service_fn(move |request| {
        let form = form.clone();
        async move { Ok::<_, Infallible>(call(form, request).await) }
    });
    let served = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(MAX_CALLS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        eprintln!("a connection failed: {error}");
    }
}
