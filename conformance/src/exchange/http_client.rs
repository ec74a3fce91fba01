//! Sends requests to a server that is not in this process.

use std::time::Duration;

use reqwest::{Client, Method, Url, redirect};

use crate::exchange::message::Response;

/// How long to wait for a response: longer than a server may wait for its upstreams.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum size of a response body, in bytes.
const RESPONSE_BYTES_MAX: usize = 1 << 20;

/// An HTTP client that follows no redirect, and uses a new connection for each request.
pub(crate) struct HttpClient(Client);

impl HttpClient {
    /// # Errors
    /// The system has no usable TLS configuration.
    pub(crate) fn new() -> Result<Self, String> {
        Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(RESPONSE_TIMEOUT)
            .no_proxy()
            // A server may close a connection after a refusal, just when the next request is sent.
            .pool_max_idle_per_host(0)
            .build()
            .map(Self)
            .map_err(|error| format!("the HTTP client cannot be built: {error}"))
    }

    /// Sends a request with these headers and this body.
    ///
    /// # Errors
    /// No response, or a response that is too large. The message does not contain the URL.
    pub(crate) async fn send(
        &self,
        method: &str,
        url: Url,
        headers: &[(String, String)],
        body: &str,
    ) -> Result<Response, String> {
        let failed = |error: reqwest::Error| error.without_url().to_string();
        let method: Method = method.parse().map_err(|_| format!("`{method}` is not an HTTP method"))?;
        let mut request = self.0.request(method, url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut response = request.body(body.to_owned()).send().await.map_err(failed)?;
        let headers = response.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let (status, headers) = (response.status().as_u16(), headers.collect());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > RESPONSE_BYTES_MAX {
                return Err(format!("the response body is larger than {RESPONSE_BYTES_MAX} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }
}
