//! The AdmissionReview around an object, for any type of object.
//!
//! Source:
//! <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request>.

use serde::Deserialize;
use smallvec::SmallVec;

use super::bad_review::BadReview;
use super::bounded::{Bounded, MOST_GROUPS};
use super::json;
use super::operation::{ApiVersion, Operation};
use super::strict::{Object, Text};

/// A checked request and its objects.
#[derive(Debug)]
pub(super) struct Envelope<'a, O> {
    pub(super) version: ApiVersion,
    pub(super) operation: Operation,
    pub(super) request: Request<'a, O>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a, O: Deserialize<'de>"))]
pub(super) struct Body<'a, O> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    api_version: Option<Text<'a>>,
    request: Option<Object<Request<'a, O>>>,
}

/// The fields of a request that are read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a, O: Deserialize<'de>"))]
pub(super) struct Request<'a, O> {
    #[serde(borrow)]
    pub(super) uid: Option<Text<'a>>,
    pub(super) kind: Option<Object<Kind<'a>>>,
    pub(super) resource: Option<Object<Resource<'a>>>,
    pub(super) sub_resource: Option<Text<'a>>,
    pub(super) name: Option<Text<'a>>,
    pub(super) namespace: Option<Text<'a>>,
    operation: Option<Text<'a>>,
    pub(super) user_info: Option<Object<UserInfo<'a>>>,
    pub(super) object: Option<Object<O>>,
    pub(super) old_object: Option<Object<O>>,
    pub(super) dry_run: Option<bool>,
}

/// A group, version and kind; the version is ignored.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Kind<'a> {
    #[serde(borrow)]
    pub(super) group: Option<Text<'a>>,
    pub(super) kind: Option<Text<'a>>,
}

/// A group, version and resource; the version is ignored.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Resource<'a> {
    #[serde(borrow)]
    pub(super) group: Option<Text<'a>>,
    pub(super) resource: Option<Text<'a>>,
}

/// The groups of a user; most users have two or three.
pub(super) type Groups<'a> = Bounded<SmallVec<[Text<'a>; 4]>, MOST_GROUPS>;

/// The author of the request.
#[derive(Debug, Default, Deserialize)]
pub(super) struct UserInfo<'a> {
    #[serde(borrow)]
    pub(super) username: Option<Text<'a>>,
    pub(super) groups: Option<Groups<'a>>,
}

impl<'a, O: Deserialize<'a>> Body<'a, O> {
    /// Parses with the parser that accepts all JSON and reports errors. It skips without recursion,
    /// and refuses values that are nested more than 128 levels deep where a type asks for them.
    fn parse(body: &'a [u8]) -> Result<Object<Self>, BadReview> {
        serde_json::from_slice(body).map_err(|error| BadReview::malformed(&error))
    }
}

impl<'a, O: Deserialize<'a>> Envelope<'a, O> {
    /// Parses a body and its objects.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, BadReview> {
        let Object(body) = match json::read(body) {
            Some(body) => body,
            None => Body::parse(body)?,
        };
        if body.kind.as_deref() != Some("AdmissionReview") {
            return Err(BadReview::WrongKind);
        }
        let version = body.api_version.as_deref().and_then(ApiVersion::parse);
        let version = version.ok_or(BadReview::WrongVersion)?;
        let Object(request) = body.request.ok_or(BadReview::NoRequest)?;
        if request.uid.as_deref().is_none_or(str::is_empty) {
            return Err(BadReview::NoUid);
        }
        let operation = request.operation.as_deref().and_then(Operation::parse);
        let operation = operation.ok_or(BadReview::WrongOperation)?;
        Ok(Self { version, operation, request })
    }
}
