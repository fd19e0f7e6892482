use super::*;
use crate::{call, id::TenantId, notice};
use std::{fs, path::Path};
use ts_rs::{Config, TS};

const WIRE: &str = "web-client/packages/callpop/src/wire.ts";
const HEAD: &str =
    "// Generated from src/protocol.rs, src/call.rs and src/notice.rs by `make types`. Do not edit.\n";

fn declaration<T: TS>(config: &Config) -> String {
    format!("\n{}export {}\n", T::docs().unwrap_or_default(), T::decl(config))
}

/// The TypeScript of every frame and of what is in it.
fn wire() -> String {
    let config = Config::default();
    let declarations = [
        declaration::<TenantId>(&config),
        declaration::<Extension>(&config),
        declaration::<ItemId>(&config),
        declaration::<SourceName>(&config),
        declaration::<call::Direction>(&config),
        declaration::<call::CallState>(&config),
        declaration::<call::Outcome>(&config),
        declaration::<call::Party>(&config),
        declaration::<call::TransferKind>(&config),
        declaration::<call::Transfer>(&config),
        declaration::<call::Summary>(&config),
        declaration::<call::WrapUp>(&config),
        declaration::<Call>(&config),
        declaration::<notice::NoticeKind>(&config),
        declaration::<notice::NoticeState>(&config),
        declaration::<Notice>(&config),
        declaration::<State<'static>>(&config),
        declaration::<IntegrationStatus>(&config),
        declaration::<Integration<'static>>(&config),
        declaration::<ErrorCode>(&config),
        declaration::<ServerFrame<'static>>(&config),
        declaration::<Mention<'static>>(&config),
        declaration::<NamedItem>(&config),
        declaration::<ClientFrame>(&config),
    ];
    HEAD.to_owned() + &declarations.concat()
}

#[test]
fn the_web_client_has_the_types_of_this_protocol() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(WIRE);
    if std::env::var_os("CALLPOP_WRITE_TYPES").is_some() {
        fs::write(&path, wire()).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), wire(), "run `make types`");
}
