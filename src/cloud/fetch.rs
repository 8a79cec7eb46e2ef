//! Fetches a document that an issuer publishes: its keys.

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use super::{Client, Silence};
use crate::identity::{Fetch, FetchError};

#[async_trait]
impl Fetch for Client {
    async fn fetch(&self, url: &str, limit: usize) -> Result<Bytes, FetchError> {
        let uri: http::Uri = url.parse().map_err(|_| FetchError("its address is not a URL".to_owned()))?;
        let request = Request::get(&uri).body(Full::default());
        let request = request.map_err(|_| FetchError("its address is not a URL".to_owned()))?;
        match self.exchange(request, false, |_| ()).await {
            Ok(received) if received.body.len() > limit => Err(FetchError(format!("it is larger than {limit} bytes"))),
            Ok(received) if received.status == http::StatusCode::OK => Ok(received.body),
            Ok(received) => Err(FetchError(format!("it answered with HTTP status {}", received.status.as_u16()))),
            Err(Silence::Unsent(why) | Silence::Unanswered(why)) => Err(FetchError(why)),
            Err(Silence::Unsayable(_)) => Err(FetchError("it can't be asked".to_owned())),
        }
    }
}
