//! Sentinels that let nobody in but those who show who they are, or who come by TLS.

use crate::support::{
    Config, Leg,
    engine::on_redis,
    new_tenant,
    redis::{Aof, Server, sentinel, tls::TlsServer},
};

/// A primary, and a sentinel that watches it.
async fn watched() -> (Server, Server) {
    let primary = Server::start(Aof::EverySecond).await;
    let sentinel = sentinel::alone(primary.port).await;
    (primary, sentinel)
}

/// Shuts the door to whoever does not say who he is.
async fn only_for(server: &Server, user: &str) {
    server.command(&["ACL", "SETUSER", user, "on", ">secret", "~*", "&*", "+@all"]).await;
    server.command(&["ACL", "SETUSER", "default", "off"]).await;
    assert!(server.try_command(&["PING"]).await.is_err(), "anybody may come in");
}

async fn assert_commits(config: Config) {
    let gateway = config.start().await;
    gateway.deliver(&Leg::inbound(&new_tenant(), "200").ringing(0)).await;
}

#[tokio::test]
async fn sentinels_may_want_the_user_of_the_servers() {
    let (primary, sentinel) = watched().await;
    primary.command(&["ACL", "SETUSER", "desk", "on", ">secret", "~*", "&*", "+@all"]).await;
    only_for(&sentinel, "desk").await;
    assert_commits(on_redis(format!("redis://desk:secret@{}", sentinel.address()))).await;
}

#[tokio::test]
async fn sentinels_may_want_a_user_of_their_own() {
    let (_primary, sentinel) = watched().await;
    only_for(&sentinel, "watch").await;
    let config = on_redis(sentinel.url()).set("engine.redis_sentinel_user", "watch");
    assert_commits(config.set("engine.redis_sentinel_password", "secret")).await;
}

#[tokio::test]
async fn sentinels_may_want_a_password_alone_or_nothing() {
    let (primary, sentinel) = watched().await;
    primary.command(&["ACL", "SETUSER", "desk", "on", ">secret", "~*", "&*", "+@all"]).await;
    let config = on_redis(format!("redis://desk:secret@{}", sentinel.address()));
    assert_commits(config.clone()).await;
    sentinel.command(&["ACL", "SETUSER", "default", "on", "resetpass", ">word"]).await;
    assert_commits(config.set("engine.redis_sentinel_password", "word")).await;
}

#[tokio::test]
async fn sentinels_are_reached_by_tls_as_the_servers_are() {
    let primary = TlsServer::start(Aof::EverySecond).await;
    let (sentinel, port) = sentinel::alone_by_tls(&primary).await;
    only_for(&sentinel, "watch").await;
    let config = on_redis(format!("rediss://127.0.0.1:{port}"))
        .set("engine.redis_ca_file", primary.ca_file.clone())
        .set("engine.redis_sentinel_user", "watch");
    assert_commits(config.set("engine.redis_sentinel_password", "secret")).await;
}
