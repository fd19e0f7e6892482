//! What a notice says, within bounds: all of it is stored, sent and shown.

use super::{Micros, NoticeKind, Party};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// The longest title and the longest body, in characters.
pub(crate) const MAX_TITLE: usize = 200;
pub(crate) const MAX_BODY: usize = 2000;
/// The longest link, in bytes: browsers and proxies take no longer ones.
const MAX_LINK: usize = 2048;
/// How many attributes there may be, and the longest name and value of one, in characters.
const MAX_ATTRIBUTES: usize = 16;
const MAX_ATTRIBUTE_NAME: usize = 64;
const MAX_ATTRIBUTE: usize = 256;

/// What a notice says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Post {
    pub(crate) kind: NoticeKind,
    pub(crate) title: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) remote: Option<Party>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Micros>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub(crate) attributes: Arc<BTreeMap<String, String>>,
}

/// Why a post is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub(crate) struct BadPost {
    pub(crate) field: &'static str,
    pub(crate) why: String,
}

impl Post {
    /// The same, if it is within the bounds.
    pub(crate) fn checked(self) -> Result<Self, BadPost> {
        let bad = |field, why: String| Err(BadPost { field, why });
        let length = |text: &str| text.chars().count();
        if self.title.trim().is_empty() || length(&self.title) > MAX_TITLE {
            return bad("title", format!("must be 1 to {MAX_TITLE} characters"));
        }
        if self.body.as_deref().is_some_and(|body| length(body) > MAX_BODY) {
            return bad("body", format!("must be at most {MAX_BODY} characters"));
        }
        if self.link.as_deref().is_some_and(|link| !is_link(link)) {
            return bad("link", format!("must be an https URL of at most {MAX_LINK} bytes"));
        }
        let is_sound = |(name, value): (&String, &String)| {
            (1..=MAX_ATTRIBUTE_NAME).contains(&length(name)) && length(value) <= MAX_ATTRIBUTE
        };
        if self.attributes.len() > MAX_ATTRIBUTES || !self.attributes.iter().all(is_sound) {
            let why = format!(
                "must be at most {MAX_ATTRIBUTES} texts of at most {MAX_ATTRIBUTE} characters, \
                 with names of 1 to {MAX_ATTRIBUTE_NAME}"
            );
            return bad("attributes", why);
        }
        Ok(self)
    }
}

/// Whether a browser may be led there.
fn is_link(text: &str) -> bool {
    text.len() <= MAX_LINK && Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host())
}

fn is_empty(attributes: &BTreeMap<String, String>) -> bool {
    attributes.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post() -> Post {
        Post { title: "Text from Marie".into(), ..Post::default() }
    }

    fn refused(post: Post) -> &'static str {
        post.checked().unwrap_err().field
    }

    #[test]
    fn texts_are_counted_in_characters() {
        let full = Post { title: "é".repeat(200).into(), body: Some("é".repeat(2000).into()), ..post() };
        assert_eq!(full.clone().checked(), Ok(full));
        for title in ["", " \n", &"é".repeat(201)] {
            assert_eq!(refused(Post { title: title.into(), ..post() }), "title");
        }
        assert_eq!(refused(Post { body: Some("x".repeat(2001).into()), ..post() }), "body");
    }

    #[test]
    fn a_link_is_https() {
        let linked = |link: &str| Post { link: Some(link.into()), ..post() };
        assert!(linked("https://crm.example/t/17?a=b#c").checked().is_ok());
        let long = format!("https://crm.example/{}", "x".repeat(MAX_LINK));
        for bad in [
            "http://crm.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "//crm.example",
            "https://",
            "",
            &long,
        ] {
            assert_eq!(refused(linked(bad)), "link", "{bad:?}");
        }
    }

    #[test]
    fn attributes_are_few_and_short() {
        let with = |pairs: Vec<(String, String)>| Post {
            attributes: Arc::new(pairs.into_iter().collect()),
            ..post()
        };
        let of = |count: usize| (0..count).map(|nth| (nth.to_string(), "x".repeat(256))).collect();
        assert!(with(of(16)).checked().is_ok());
        assert_eq!(refused(with(of(17))), "attributes");
        for (name, value) in [("", ""), (&*"n".repeat(65), ""), ("n", &*"v".repeat(257))] {
            assert_eq!(refused(with(vec![(name.into(), value.into())])), "attributes");
        }
    }
}
