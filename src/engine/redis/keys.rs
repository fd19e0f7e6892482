//! The names of what is in Redis. All keys of a tenant have the tenant as their hash tag, so they
//! are in one slot of a cluster, and one script may touch them all.

use crate::{
    call::{LegKey, LegName},
    id::{Extension, TenantId},
};

/// Between the parts of a member, a value or a message: no id has it, and no JSON text.
pub(crate) const SEPARATOR: char = '\u{1e}';

/// The names that begin with one prefix.
#[derive(Clone)]
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// What belongs to one tenant.
    pub(crate) fn tenant(&self, tenant: &TenantId) -> TenantKeys {
        // A brace would end the hash tag early, or make it empty.
        let tag = tenant.as_str().replace('%', "%25").replace('{', "%7B").replace('}', "%7D");
        TenantKeys { base: format!("{}:{{{tag}}}", self.prefix) }
    }

    /// The tenants that there are: a sorted set by when they were first seen.
    pub(crate) fn tenants(&self) -> String {
        format!("{}:tenants", self.prefix)
    }

    /// Who sweeps at present.
    pub(crate) fn sweeper(&self) -> String {
        format!("{}:sweeper", self.prefix)
    }

    /// Events of unknown states, a sorted set by when they came; the bytes of all of them; a fence.
    pub(crate) fn archive(&self) -> [String; 3] {
        ["rows", "bytes", "fence"].map(|part| format!("{}:{{archive}}:{part}", self.prefix))
    }
}

/// The names of one tenant.
pub(crate) struct TenantKeys {
    base: String,
}

impl TenantKeys {
    /// Where changes are published.
    pub(crate) fn channel(&self) -> &str {
        &self.base
    }

    /// A hash: epoch, number, and the history that they belong to.
    pub(crate) fn head(&self) -> String {
        format!("{}:head", self.base)
    }

    /// The legs that may be live: a set of members, in lexical order.
    pub(crate) fn live(&self) -> String {
        format!("{}:live", self.base)
    }

    /// Every leg at the number of its last change.
    pub(crate) fn changes(&self) -> String {
        format!("{}:changes", self.base)
    }

    /// A user's legs, each at the number of its last change.
    pub(crate) fn user(&self, extension: &Extension) -> String {
        format!("{}:user:{extension}", self.base)
    }

    /// A leg's events, a hash by their identity. The commit script knows that the member is at its end.
    pub(crate) fn leg(&self, extension: &Extension, leg: &LegName) -> String {
        format!("{}:leg:{}", self.base, member(extension, leg))
    }

    /// What stays of a leg when it is forgotten: its version.
    pub(crate) fn ghost(&self, extension: &Extension, leg: &LegName) -> String {
        format!("{}:ghost:{}", self.base, member(extension, leg))
    }

    /// Written only to know how far replication and the disk are.
    pub(crate) fn fence(&self) -> String {
        format!("{}:fence", self.base)
    }
}

/// A leg within its tenant. The user comes first, so that their legs stand beside each other.
pub(crate) fn member(extension: &Extension, leg: &LegName) -> String {
    let LegName { source, id } = leg;
    format!("{extension}{SEPARATOR}{source}{SEPARATOR}{id}")
}

/// The leg of a member.
pub(crate) fn leg_of(tenant: &TenantId, member: &str) -> Option<LegKey> {
    let mut parts = member.split(SEPARATOR);
    let (extension, source, id) = (parts.next()?, parts.next()?, parts.next()?);
    leg_key(tenant, extension, source, id)
}

/// The key of a leg by its parts as they are stored.
pub(crate) fn leg_key(tenant: &TenantId, extension: &str, source: &str, id: &str) -> Option<LegKey> {
    let leg = LegName { source: source.try_into().ok()?, id: id.try_into().ok()? };
    Some(LegKey { tenant: tenant.clone(), extension: extension.try_into().ok()?, leg })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tenant_escapes_its_hash_tag() {
        let base = |id: &str| Keys::new("callpop").tenant(&id.try_into().unwrap()).base;
        assert_eq!(base("b11d-7"), "callpop:{b11d-7}");
        assert_eq!(base("}x{"), "callpop:{%7Dx%7B}");
        assert_ne!(base("%7D"), base("}"));
    }

    #[test]
    fn no_two_legs_have_one_key() {
        let keys = Keys::new("callpop").tenant(&"t".try_into().unwrap());
        let leg = |extension: &str, leg: &str| keys.leg(&extension.try_into().unwrap(), &LegName::of(leg));
        assert_ne!(leg("2", "0:x"), leg("2:0", "x"));
    }

    #[test]
    fn a_member_names_its_leg() {
        let tenant: TenantId = "t".try_into().unwrap();
        let (extension, leg) = ("2:00".try_into().unwrap(), LegName::of("a:b"));
        let key = leg_of(&tenant, &member(&extension, &leg));
        assert_eq!(key, Some(LegKey { tenant: tenant.clone(), extension, leg }));
        assert_eq!(leg_of(&tenant, "200"), None);
    }
}
