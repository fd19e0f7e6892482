//! Whose calls somebody may see on a board, and how much of them.

use super::People;
use crate::{
    auth::{Identity, Role},
    board::Conversation,
    config::AgentsSee,
    id::Extension,
};
use std::sync::Arc;

/// What one may see.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sight {
    pub(crate) whose: Whose,
    /// Numbers of customers are masked, and their names are initials: others pass by a screen on a wall.
    pub(crate) masked: bool,
    /// The figures of single extensions are shown.
    pub(crate) people: bool,
}

/// Whose.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    /// Everybody of the tenant.
    Tenant,
    /// The extensions of these groups.
    Groups(Arc<[Arc<str>]>),
    /// Those of a user.
    Own(Owner),
    /// Those of a user, the states of all others, and the tenant's figures.
    OwnAmongAll(Owner),
}

/// Whose a user's extensions are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// The token names them.
    Named(Arc<[Extension]>),
    /// The directory gives them to this `sub`, as it stands.
    Assigned(Arc<str>),
}

impl Sight {
    /// What the bearer of a token sees of the tenant.
    pub(crate) fn of_tenant(identity: &Identity) -> Self {
        let whose = match &identity.groups {
            Some(groups) => Whose::Groups(groups.clone()),
            None => Whose::Tenant,
        };
        Self { whose, masked: identity.role == Role::Display, people: true }
    }

    /// What a user sees of their own calls, and of others beside them.
    pub(crate) fn of_user(identity: &Identity, agents_see: AgentsSee) -> Self {
        let own = Owner::of(identity);
        let whose = match agents_see {
            AgentsSee::States => Whose::OwnAmongAll(own),
            AgentsSee::Off => Whose::Own(own),
        };
        Self { whose, masked: false, people: true }
    }

    /// Whether an extension is seen, and its state.
    pub(crate) fn sees(&self, extension: &Extension, people: &People) -> bool {
        matches!(self.whose, Whose::OwnAmongAll(_)) || self.sees_calls(extension, people)
    }

    /// Whether it is seen with whom an extension talks.
    pub(crate) fn sees_calls(&self, extension: &Extension, people: &People) -> bool {
        match &self.whose {
            Whose::Tenant => true,
            Whose::Groups(groups) => people.is_in(extension, groups),
            Whose::Own(owner) | Whose::OwnAmongAll(owner) => owner.has(extension, people),
        }
    }

    /// The extensions whose calls are seen, where these are those of one user.
    pub(super) fn own(&self, people: &People) -> Option<Arc<[Extension]>> {
        match &self.whose {
            Whose::Own(owner) | Whose::OwnAmongAll(owner) => Some(owner.extensions(people)),
            Whose::Tenant | Whose::Groups(_) => None,
        }
    }

    /// Whether a conversation is seen: some leg of it is, and then all of it.
    pub(crate) fn sees_conversation(&self, conversation: &Conversation, people: &People) -> bool {
        self.sees_any(conversation.legs.iter().map(|leg| &leg.key.extension), people)
    }

    /// The same, by the extensions of its legs.
    pub(super) fn sees_any<'a>(
        &self,
        mut extensions: impl Iterator<Item = &'a Extension>,
        people: &People,
    ) -> bool {
        extensions.any(|extension| self.sees_calls(extension, people))
    }

    /// Whether the figures of the whole tenant are seen.
    pub(crate) fn sees_tenant(&self) -> bool {
        matches!(self.whose, Whose::Tenant | Whose::OwnAmongAll(_))
    }

    /// Whether the figures of a group are seen.
    pub(crate) fn sees_group(&self, group: &str) -> bool {
        match &self.whose {
            Whose::Tenant | Whose::OwnAmongAll(_) => true,
            Whose::Groups(groups) => groups.iter().any(|ours| **ours == *group),
            Whose::Own(_) => false,
        }
    }

    /// A number as it may be shown.
    pub(crate) fn number(&self, number: Option<&Arc<str>>) -> Option<Arc<str>> {
        // What is no whole number has a mark before it, which is ours.
        let number: &str = number?.strip_prefix('?').unwrap_or(number?);
        Some(if self.masked { masked(number).into() } else { number.into() })
    }

    /// The name of somebody outside as it may be shown.
    pub(crate) fn party(&self, name: Option<&Arc<str>>) -> Option<Arc<str>> {
        let name = name?;
        Some(if self.masked { initials(name).into() } else { name.clone() })
    }
}

impl Owner {
    /// Whose the extensions of a token are, where the directory gives them if it names none.
    fn of(identity: &Identity) -> Self {
        match identity.extensions.is_empty() {
            true => Self::Assigned(identity.sub.clone()),
            false => Self::Named(identity.extensions.clone()),
        }
    }

    fn extensions(&self, people: &People) -> Arc<[Extension]> {
        match self {
            Self::Named(extensions) => extensions.clone(),
            Self::Assigned(sub) => people.assigned(sub),
        }
    }

    fn has(&self, extension: &Extension, people: &People) -> bool {
        self.extensions(people).contains(extension)
    }
}

/// So many characters at each end of a number are shown; of a short one, none.
const SHOWN: (usize, usize) = (5, 2);

/// So many characters are hidden at least, or all of them.
const HIDDEN: usize = 3;

/// All but the first five and the last two characters; of a short number, nothing.
fn masked(number: &str) -> String {
    let (first, last) = SHOWN;
    let length = number.chars().count();
    if length < first + last + HIDDEN {
        return "•".repeat(length);
    }
    number
        .chars()
        .enumerate()
        .map(|(nth, it)| if nth < first || nth + last >= length { it } else { '•' })
        .collect()
}

/// `Jan Peeters` is `J. P.`; what is no name, such as a number, is nothing.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|it| it.is_alphabetic()));
    let (first, last) = (words.next(), words.next_back());
    let initial = |letter: char| format!("{}.", letter.to_uppercase());
    first.into_iter().chain(last).map(initial).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_known_by_what_is_left() {
        assert_eq!(masked("+32475123467"), "+3247•••••67");
        assert_eq!(masked("+324751"), "•••••••");
        assert_eq!(
            (masked("+32475126").as_str(), masked("+324751267").as_str()),
            ("•••••••••", "+3247•••67")
        );
        assert_eq!(masked(""), "");
        assert_eq!(initials("Jan Peeters"), "J. P.");
        assert_eq!(initials("jan van den peeters"), "J. P.");
        assert_eq!((initials("Cher"), initials("+32475123467")), ("C.".to_owned(), String::new()));
    }
}
