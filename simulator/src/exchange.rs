//! One request, from its bytes to its answer, read downwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming as HttpBody;
use thiserror::Error;

use crate::answer::Answer;
use crate::chance;
use crate::clock::{Clock, Moment};
use crate::cloud::{Cloud, Done};
use crate::control;
use crate::counting::counted;
use crate::dialect::{self, ApiError, Credential, Incoming, Nonces, Reading, Reply, aliyun, tencent};
use crate::faults::{FaultKind, Faults};
use crate::ledger::{Ledger, Outcome};
use crate::rates::{BucketKey, Limit, Rates};
use crate::table::{Action, Family, Provider, Tables};

/// The largest body (Request Structure: 10 MB for TC3).
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// Everything that a request meets.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) tables: Tables,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) nonces: Nonces,
    pub(crate) clock: Clock,
    pub(crate) ledger: Ledger,
    pub(crate) rates: Rates,
    pub(crate) faults: Faults,
    pub(crate) cloud: Cloud,
}

/// The connection ends here without an answer.
#[derive(Debug, Error)]
pub(crate) enum NoAnswer {
    #[error("a fault resets the connection")]
    Reset,
    #[error("the request could not be read: {0}")]
    Unread(Box<dyn std::error::Error + Send + Sync>),
}

/// A call that was let in: what the tables say of it, and where it is counted.
struct Admitted<'a> {
    provider: &'a Provider,
    action: &'a Action,
    region: &'a str,
    counted: Vec<(BucketKey, Limit)>,
}

impl Exchange {
    /// Answers one request; `reset` makes the connection end with a reset.
    pub(crate) async fn handle(
        &self,
        request: Request<HttpBody>,
        reset: &AtomicBool,
    ) -> Result<Response<Answer>, NoAnswer> {
        let (incoming, too_large) = receive(request).await?;
        let now = self.clock.now();
        if incoming.path.starts_with("/_sim/") {
            return Ok(control::answer(self, &incoming, now).await);
        }
        let mut reading = dialect::read(&incoming, &self.tables);
        if too_large {
            reading.problem = Some(ApiError::too_large(reading.family));
        }
        let request_id = dialect::spell_request_id(reading.family, chance::request_id());
        let entry = self.ledger.enter(now, &request_id, &incoming, &reading);

        let admitted = self.admit(&incoming, &reading, now);
        let fault = admitted.as_ref().ok().and_then(|admitted| self.faults.take(&admitted.action.name));
        let result = match (admitted, &fault) {
            (Err(refused), _) => Err(refused),
            (Ok(admitted), Some(fault)) if fault.kind == FaultKind::Throttle => {
                self.rates.note_throttled(&admitted.counted);
                Err(ApiError::too_fast(reading.family, admitted.action))
            }
            (Ok(_), Some(fault)) if fault.kind == FaultKind::Error => {
                let code = fault.code.as_deref().unwrap_or("InternalError");
                let error = ApiError::new(code, "The simulator was told to answer with this error.");
                Err(ApiError { status: fault.status, ..error })
            }
            (Ok(_), Some(fault)) if fault.kind == FaultKind::Reset => {
                reset.store(true, Ordering::Release);
                entry.settle(Outcome::default());
                return Err(NoAnswer::Reset);
            }
            (Ok(admitted), _) => self.perform(&admitted, &reading, now),
        };

        let named = self.named_task(&reading);
        entry.settle(Outcome {
            code: result.as_ref().err().map(|error| error.code.clone()),
            task_id: result.as_ref().ok().and_then(|done| done.made.clone()).or(named),
            done: result.is_ok(),
        });
        let row = self.row(&reading);
        let answer = result.map(|done| done.members);
        let Reply { status, content_type, bytes } = dialect::write(&incoming, &reading, row, &answer, &request_id);
        let length = bytes.len();
        let body = match fault.as_ref().map(|fault| (fault.kind, fault.delay())) {
            Some((FaultKind::Delay, delay)) => {
                tokio::time::sleep(delay).await;
                Answer::whole(bytes, Some(Arc::clone(&entry)))
            }
            Some((FaultKind::Stall, _)) => std::future::pending().await,
            Some((FaultKind::Half, _)) => Answer::half(bytes),
            _ => Answer::whole(bytes, Some(Arc::clone(&entry))),
        };
        let mut response = json_response(body, length);
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Ok(response)
    }

    /// Whether the cloud's front lets a request in: signed, known, and not too fast.
    fn admit<'a>(&'a self, incoming: &Incoming, reading: &'a Reading, now: Moment) -> Result<Admitted<'a>, ApiError> {
        if let Some(problem) = &reading.problem {
            return Err(problem.clone());
        }
        let family = reading.family;
        match family {
            Family::Tencent => tencent::verify(incoming, reading, &self.credentials, now)?,
            Family::Aliyun => {
                aliyun::verify(incoming, reading, &self.tables, &self.credentials, &self.nonces, now)?;
            }
        }
        let version = reading.version.as_deref().unwrap_or("");
        let provider = self
            .tables
            .of_family(family, version)
            .ok_or_else(|| ApiError::no_version(family, version, &self.tables))?;
        let named = reading.action.as_deref().and_then(|name| provider.actions.get(name));
        let action = named.ok_or_else(|| ApiError::no_action(family, version))?;
        let region = match family {
            Family::Tencent => check_region(incoming, reading, provider)?,
            Family::Aliyun => aliyun::check_region(reading, provider)?,
        };
        let counted = counted(incoming, reading, provider, action, region);
        if !self.rates.admit(&counted, now) {
            return Err(ApiError::too_fast(family, action));
        }
        Ok(Admitted { provider, action, region, counted })
    }

    fn perform(&self, admitted: &Admitted<'_>, reading: &Reading, now: Moment) -> Result<Done, ApiError> {
        if let Some(problem) = &reading.parameters_problem {
            return Err(problem.clone());
        }
        let Admitted { provider, action, region, .. } = admitted;
        let parameters = match reading.family {
            Family::Tencent => {
                tencent::check_parameters(&reading.parameters, reading.flat, &action.parameters, &provider.types)?
            }
            Family::Aliyun => aliyun::check_parameters(&reading.parameters, &action.parameters)?,
        };
        self.cloud.perform(provider, action, &parameters, region, now)
    }

    /// The task that a request names, whatever else is wrong with it.
    fn named_task(&self, reading: &Reading) -> Option<String> {
        let row = self.row(reading)?;
        let names = row.task_id.as_ref().into_iter().chain(row.ids.iter().map(|id| &id.name));
        names.filter_map(|name| reading.parameters.get(name)?.as_str()).next().map(str::to_owned)
    }

    /// The row of the action that a request names.
    fn row(&self, reading: &Reading) -> Option<&Action> {
        let provider = self.tables.of_family(reading.family, reading.version.as_deref()?)?;
        provider.actions.get(reading.action.as_deref()?)
    }
}

/// A response with exactly the Content-Type that the SDKs compare with.
pub(crate) fn json_response(body: Answer, length: usize) -> Response<Answer> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

async fn receive(request: Request<HttpBody>) -> Result<(Incoming, bool), NoAnswer> {
    let (parts, body) = request.into_parts();
    let (body, too_large) = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => (body.to_bytes(), false),
        Err(error) if error.is::<LengthLimitError>() => (bytes::Bytes::new(), true),
        Err(error) => return Err(NoAnswer::Unread(error)),
    };
    let incoming = Incoming {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or("").to_owned(),
        headers: parts.headers,
        body,
    };
    Ok((incoming, too_large))
}

fn check_region<'a>(incoming: &Incoming, reading: &'a Reading, provider: &Provider) -> Result<&'a str, ApiError> {
    let region = reading.region.as_deref().unwrap_or("");
    if region.is_empty() {
        return Err(ApiError::new("MissingParameter", "The request is missing a required parameter `Region`."));
    }
    let known = provider.regions.iter().any(|one| one == region);
    let host = incoming.host();
    let finance = provider.finance_regions.iter().any(|one| one == region);
    let elsewhere = tencent::is_cloud_host(host)
        && finance
        && !tencent::access_region(host).is_some_and(|access| provider.finance_regions.contains(&access));
    if known && !elsewhere {
        return Ok(region);
    }
    Err(ApiError::new("UnsupportedRegion", format!("The region {region} is not supported here.")))
}
