//! HTTP for the object store by the recorder's own client: one stack for proxies, certificates and forks, and no second
//! one in every program.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpService,
};
use object_store::{ClientConfigKey, Result};
use ureq::Agent;
use ureq::http::{Method, Request, Uri};

use crate::export::http::is_unreachable;
use crate::settings::{BucketTarget, is_loopback};

/// Makes clients that block a thread of the runtime for a request.
#[derive(Debug)]
pub(super) struct UreqConnector {
    timeout: Duration,
    certificates: Option<String>,
}

impl UreqConnector {
    pub(super) fn new(target: &BucketTarget) -> Self {
        Self {
            timeout: target.timeout,
            certificates: target.certificates.clone(),
        }
    }

    fn agent(&self, url: &str) -> Agent {
        crate::export::agent(url, self.timeout, self.certificates.as_deref())
    }
}

impl HttpConnector for UreqConnector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let allow_http = options.get_config_value(&ClientConfigKey::AllowHttp);
        Ok(HttpClient::new(UreqService {
            anywhere: self.agent("https://"),
            this_machine: self.agent("http://localhost"),
            allow_http: allow_http.as_deref() == Some("true"),
        }))
    }
}

#[derive(Debug)]
struct UreqService {
    /// Through a proxy, where one is set.
    anywhere: Agent,
    /// For what no proxy can reach.
    this_machine: Agent,
    allow_http: bool,
}

/// Where machines and containers get their credentials.
const LINK_LOCAL: &str = "http://169.254.";

impl UreqService {
    fn agent(&self, uri: &Uri) -> Agent {
        let url = uri.to_string();
        if is_loopback(&url) || url.starts_with(LINK_LOCAL) {
            self.this_machine.clone()
        } else {
            self.anywhere.clone()
        }
    }
}

#[async_trait]
impl HttpService for UreqService {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.uri().scheme_str() != Some("https") && !self.allow_http {
            let reason = "an endpoint without TLS is used only with AWS_ALLOW_HTTP=true";
            return Err(HttpError::new_boxed(HttpErrorKind::Unknown, reason.into()));
        }
        let agent = self.agent(request.uri());
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let request = Request::from_parts(parts, body);
        tokio::task::spawn_blocking(move || send(&agent, request))
            .await
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?
    }
}

fn send(agent: &Agent, request: Request<Bytes>) -> Result<HttpResponse, HttpError> {
    let (parts, body) = request.into_parts();
    let bodiless = matches!(parts.method, Method::GET | Method::HEAD | Method::DELETE);
    let response = if bodiless {
        agent.run(Request::from_parts(parts, ()))
    } else {
        agent.run(Request::from_parts(parts, &body[..]))
    };
    let (parts, mut body) = response.map_err(http_error)?.into_parts();
    let body = body.read_to_vec().map_err(http_error)?;
    Ok(HttpResponse::from_parts(parts, body.into()))
}

fn http_error(error: ureq::Error) -> HttpError {
    let kind = match &error {
        error if is_unreachable(error) => HttpErrorKind::Connect,
        ureq::Error::Timeout(_) => HttpErrorKind::Timeout,
        ureq::Error::Io(_) => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
