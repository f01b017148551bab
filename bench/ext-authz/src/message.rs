//! The messages of `envoy.service.auth.v3.Authorization`, with the fields that
//! are read or written here and no others.

use std::collections::HashMap;

/// Where gRPC finds the one method of the service.
pub const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// `google.rpc.Code.PERMISSION_DENIED`.
const PERMISSION_DENIED: i32 = 7;

/// `envoy.type.v3.StatusCode.Forbidden`.
const FORBIDDEN: i32 = 403;

/// `envoy.service.auth.v3.CheckRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CheckRequest {
    /// What Envoy knows of the request.
    #[prost(message, optional, tag = "1")]
    pub attributes: Option<Attributes>,
}

/// `envoy.service.auth.v3.AttributeContext`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Attributes {
    /// The request.
    #[prost(message, optional, tag = "4")]
    pub request: Option<Request>,
}

/// `envoy.service.auth.v3.AttributeContext.Request`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Request {
    /// The request as HTTP has it.
    #[prost(message, optional, tag = "2")]
    pub http: Option<HttpRequest>,
}

/// `envoy.service.auth.v3.AttributeContext.HttpRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HttpRequest {
    /// The method.
    #[prost(string, tag = "2")]
    pub method: String,
    /// All headers, by their names in lower case.
    #[prost(map = "string, string", tag = "3")]
    pub headers: HashMap<String, String>,
    /// The path with its query.
    #[prost(string, tag = "4")]
    pub path: String,
}

/// `envoy.service.auth.v3.CheckResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CheckResponse {
    /// Whether the request may go on.
    #[prost(message, optional, tag = "1")]
    pub status: Option<RpcStatus>,
    /// How Envoy answers a request that may not.
    #[prost(message, optional, tag = "2")]
    pub denied: Option<DeniedResponse>,
    /// What Envoy does to a request that may.
    #[prost(message, optional, tag = "3")]
    pub ok: Option<OkResponse>,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RpcStatus {
    /// A `google.rpc.Code`.
    #[prost(int32, tag = "1")]
    pub code: i32,
}

/// `envoy.service.auth.v3.DeniedHttpResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DeniedResponse {
    /// The answer's status.
    #[prost(message, optional, tag = "1")]
    pub status: Option<HttpStatus>,
}

/// `envoy.type.v3.HttpStatus`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HttpStatus {
    /// An `envoy.type.v3.StatusCode`.
    #[prost(int32, tag = "1")]
    pub code: i32,
}

/// `envoy.service.auth.v3.OkHttpResponse`, which changes nothing here.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OkResponse {}

impl CheckResponse {
    /// Lets the request go on.
    #[must_use]
    pub fn allowed() -> Self {
        Self {
            status: Some(RpcStatus { code: 0 }),
            denied: None,
            ok: Some(OkResponse {}),
        }
    }

    /// Has the request answered with status 403.
    #[must_use]
    pub fn forbidden() -> Self {
        Self {
            status: Some(RpcStatus {
                code: PERMISSION_DENIED,
            }),
            denied: Some(DeniedResponse {
                status: Some(HttpStatus { code: FORBIDDEN }),
            }),
            ok: None,
        }
    }
}
