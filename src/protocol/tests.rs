use super::*;
use crate::{board, call, id::TenantId, notice};
use std::{fs, path::Path};
use ts_rs::{Config, TS};

const WIRE: &str = "web-client/packages/callpop/src/wire.ts";
const HEAD: &str =
    "// Generated from src/protocol.rs and the types that its frames hold by `make types`. Do not edit.\n";

/// Its Rust type is generic, and above this room.
const FIGURE_ROW: &str = r#"
/**
 * Figures of one window by one key, whole; those of an extension in the order of the columns.
 */
export type FigureRow = { window: "now" | "today" | "m15" | "m30" | "m60", by: "tenant" | "group" | "line" | "extension", key: string, values: Record<string, number | null | Array<BoardAlarm>> | Array<number | null>, };

/**
 * A rule by which a board gives alarm: a figure is at least, or at most, a value for so long. The value is in seconds of
 * what lasts, a share of 1, or a count.
 */
export type AlarmRule = { figure: string, at_least: boolean, value: number, level: 1 | 2, lasting_ms: number, };

/**
 * An alarm that is raised: among the figures of the present moment.
 */
export type BoardAlarm = { figure: string, level: 1 | 2, since: number, };
"#;

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
        declaration::<board::ConversationKind>(&config),
        declaration::<board::ConversationOutcome>(&config),
        declaration::<board::Basis>(&config),
        declaration::<board::ShownConversation<'static>>(&config),
        declaration::<BoardDay>(&config),
        declaration::<ShownRules>(&config),
        declaration::<FigureColumns>(&config),
        declaration::<TileRow>(&config),
        FIGURE_ROW.to_owned(),
        declaration::<BoardState<'static>>(&config),
        declaration::<HealthLag>(&config),
        declaration::<HealthState>(&config),
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
