//! The names of what is in Redis. All keys of a tenant have the tenant as their hash tag, so they
//! are in one slot of a cluster, and one script may touch them all.

use crate::{
    display::Code,
    id::{Extension, ItemKey, ItemName, Kind, TenantId},
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
        self.tag(&tenant.as_str().replace('%', "%25").replace('{', "%7B").replace('}', "%7D"))
    }

    /// What has a hash tag.
    pub(crate) fn tag(&self, tag: &str) -> TenantKeys {
        TenantKeys { base: format!("{}:{{{tag}}}", self.prefix) }
    }

    /// The tenants that there are: a sorted set by when they were first seen.
    pub(crate) fn tenants(&self) -> String {
        format!("{}:tenants", self.prefix)
    }

    /// The nodes that there are: a sorted set by when each was there last.
    pub(crate) fn nodes(&self) -> String {
        format!("{}:nodes", self.prefix)
    }

    /// Who sweeps at present.
    pub(crate) fn sweeper(&self) -> String {
        format!("{}:sweeper", self.prefix)
    }

    /// Of a pairing of a display: the pairing while it waits, who claimed it, and what became of it.
    pub(crate) fn pairing(&self, code: &Code) -> [String; 3] {
        ["waiting", "claim", "answered"].map(|part| format!("{}:{{{}}}:{part}", self.prefix, code.as_str()))
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

    /// What nodes counted of how its events come: a hash by node.
    pub(crate) fn heard(&self) -> String {
        format!("{}:heard", self.base)
    }

    /// The items that may be live: a set of members, in lexical order.
    pub(crate) fn live(&self) -> String {
        format!("{}:live", self.base)
    }

    /// Every item of a kind at the number of its last change.
    pub(crate) fn changes(&self, kind: Kind) -> String {
        format!("{}:changes:{}", self.base, kind.number())
    }

    /// A user's items of a kind, each at the number of its last change.
    pub(crate) fn user(&self, kind: Kind, extension: &Extension) -> String {
        [&self.base, ":user:", kind.digit(), ":", extension.as_str()].concat()
    }

    /// An item's events, a hash by their identity. The commit script knows that the member is at its end.
    pub(crate) fn item(&self, key: &ItemKey) -> String {
        self.named(":item:", &member(key))
    }

    /// The same, and what stays of the item when it is forgotten: its version.
    pub(crate) fn item_and_ghost(&self, key: &ItemKey) -> [String; 2] {
        let member = member(key);
        [":item:", ":ghost:"].map(|part| self.named(part, &member))
    }

    /// What an item's latest summary says, compressed. The commit script makes the same name.
    pub(crate) fn content(&self, key: &ItemKey) -> String {
        self.named(":content:", &member(key))
    }

    /// An item that has ended, as one value instead of those two. The scripts make the same name.
    pub(crate) fn settled(&self, key: &ItemKey) -> String {
        self.named(":settled:", &member(key))
    }

    /// The items that have ended and are to be settled, a list in the order in which they ended. The commit script makes
    /// the same name.
    pub(crate) fn ended(&self) -> String {
        format!("{}:ended", self.base)
    }

    /// Joined by hand: of every event, three of these are made.
    fn named(&self, part: &str, name: &str) -> String {
        [&self.base, part, name].concat()
    }

    /// A hash: the directory, and the ETag of it.
    pub(crate) fn directory(&self) -> String {
        format!("{}:directory", self.base)
    }

    /// A hash: the displays, each by its id.
    pub(crate) fn displays(&self) -> String {
        format!("{}:displays", self.base)
    }

    /// Hashes by closed day: when it was rolled up, what is of nobody, what is of extensions, and the key to both.
    pub(crate) fn days(&self) -> [String; 4] {
        ["at", "calls", "people", "key"].map(|part| format!("{}:days:{part}", self.base))
    }

    /// A hash and a sorted set, written only to know whether Redis takes them.
    pub(crate) fn trial(&self) -> [String; 3] {
        ["hash", "set", "list"].map(|part| format!("{}:trial:{part}", self.base))
    }

    /// Where nobody listens.
    pub(crate) fn channel_of_trials(&self) -> String {
        format!("{}:trial", self.base)
    }

    /// Written only to know how far replication and the disk are.
    pub(crate) fn fence(&self) -> String {
        format!("{}:fence", self.base)
    }
}

/// An item within its tenant. The user comes first, so that their items stand beside each other.
pub(crate) fn member(ItemKey { extension, kind, name: ItemName { source, id }, .. }: &ItemKey) -> String {
    let mut between = [0; 4];
    [extension.as_str(), source.as_str(), kind.digit(), id.as_str()].join(SEPARATOR.encode_utf8(&mut between))
}

/// The extension of a member.
pub(crate) fn extension_of(member: &str) -> &str {
    member.split(SEPARATOR).next().unwrap_or_default()
}

/// The item of a member.
pub(crate) fn item_of(tenant: &TenantId, member: &str) -> Option<ItemKey> {
    let mut parts = member.split(SEPARATOR);
    let (extension, source) = (parts.next()?, parts.next()?);
    let (kind, id) = (Kind::of_number(parts.next()?)?, parts.next()?);
    item_key(tenant, extension, source, kind, id)
}

/// The key of an item by its parts as they are stored.
pub(crate) fn item_key(
    tenant: &TenantId,
    extension: &str,
    source: &str,
    kind: Kind,
    id: &str,
) -> Option<ItemKey> {
    let name = ItemName { source: source.try_into().ok()?, id: id.try_into().ok()? };
    Some(ItemKey { tenant: tenant.clone(), extension: extension.try_into().ok()?, kind, name })
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

    fn key(kind: Kind, extension: &str, id: &str) -> ItemKey {
        let (tenant, extension) = ("t".try_into().unwrap(), extension.try_into().unwrap());
        ItemKey { tenant, extension, kind, name: ItemName::of(id) }
    }

    #[test]
    fn no_two_items_have_one_key() {
        let keys = Keys::new("callpop").tenant(&"t".try_into().unwrap());
        let item = |kind, extension, id| keys.item(&key(kind, extension, id));
        assert_ne!(item(Kind::Call, "2", "0:x"), item(Kind::Call, "2:0", "x"));
        assert_ne!(item(Kind::Call, "2", "x"), item(Kind::Notice, "2", "x"));
        let user = |kind, extension: &str| keys.user(kind, &extension.try_into().unwrap());
        assert_ne!(user(Kind::Call, "2"), user(Kind::Notice, "2"));
    }

    #[test]
    fn a_member_names_its_item() {
        for kind in Kind::ALL {
            let key = key(kind, "2:00", "a:b");
            assert_eq!(item_of(&key.tenant, &member(&key)), Some(key));
        }
        for strange in ["200", "200\u{1e}telsmart\u{1e}7\u{1e}a", "200\u{1e}telsmart\u{1e}0"] {
            assert_eq!(item_of(&"t".try_into().unwrap(), strange), None, "{strange:?}");
        }
    }
}
