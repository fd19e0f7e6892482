//! The keys of the sidecar. It is there where a provider's portal or a vault key is configured.

mod portals;

use super::{is_private, local};
use crate::config::{
    Durability, Engine, EngineKind, Part, Sidecar, SidecarMode, Source, parse, reader::Reader,
};
use portals::Portals;

pub(super) fn sidecar(
    reader: &mut Reader,
    part: Part,
    engine: &Engine,
    sources: &[Source],
    public_url: Option<String>,
) -> Option<Sidecar> {
    let modes = [("embedded", SidecarMode::Embedded), ("separate", SidecarMode::Separate)];
    let portals = Portals::of(reader, part, sources);
    let is_wanted = reader.is_given("sidecar.vault_key") || portals.are_wanted(reader);
    let mode = reader.or("sidecar.mode", SidecarMode::Embedded, |given| parse::choice(given, &modes));
    let is_elsewhere = mode == SidecarMode::Separate && part == Part::Gateway;
    let listen = reader.or("sidecar.listen", local(8081), parse::socket);
    if !is_private(listen.ip()) {
        let message =
            "is open to other machines; it gives access tokens away, so only your servers may reach it";
        reader.warn("sidecar.listen", message);
    }
    let url = reader.optional("sidecar.url", parse::web_url);
    let data_dir = reader.or("sidecar.data_dir", engine.data_dir.join("sidecar"), parse::path);
    let service_token = reader.secret("sidecar.service_token", parse::text);
    // What the gateway has no business to know is not even read.
    let vault_key = if is_elsewhere {
        reader.ignore("sidecar.vault_key");
        None
    } else {
        reader.secret("sidecar.vault_key", parse::text)
    };
    if mode == SidecarMode::Separate && engine.kind != EngineKind::Redis {
        reader.refuse("sidecar.mode", "separate processes share a Redis: set engine.kind = \"redis\"");
    }
    let is_there = is_wanted || mode == SidecarMode::Separate || part == Part::Sidecar;
    if is_wanted && engine.kind == EngineKind::Redis && engine.durability == Durability::Memory {
        let message = "with a sidecar, a failover of Redis may lose a refresh token: set it to \"fsync\"";
        reader.warn("engine.durability", message);
    }
    // Of separate processes, the sidecar alone needs all of it.
    let is_needed = is_there && (mode == SidecarMode::Embedded || part == Part::Sidecar);
    let portals = portals.read(reader, is_needed, is_elsewhere);
    if !is_there {
        return None;
    }
    if vault_key.is_none() && is_needed && !reader.has_problem("sidecar.vault_key") {
        reader.refuse(
            "sidecar.vault_key_file",
            "missing: a file with a line `id:base64 of 32 bytes`; `echo \"k1:$(openssl rand -base64 32)\"` makes one",
        );
    }
    let portals = portals?;
    Some(Sidecar { mode, listen, url, service_token, public_url, data_dir, vault_key, portals })
}
