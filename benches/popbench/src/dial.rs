//! Connections to the server, from as many addresses of loopback as their number needs.

use anyhow::Result;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process,
};
use tokio::net::{TcpSocket, TcpStream};

/// An address has 28,000 ports for outgoing connections, and each stays taken for a minute after its end.
const CONNECTIONS_AN_ADDRESS: usize = 20_000;

/// Connects the client of that number.
pub async fn dial(server: SocketAddr, number: usize) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if server.ip().is_loopback() {
        socket.bind(SocketAddr::new(IpAddr::V4(source(process::id(), number)), 0))?;
    }
    socket.set_nodelay(true)?;
    Ok(socket.connect(server).await?)
}

/// Every run has addresses of its own, so that the ports of the runs before it are not in its way.
fn source(run: u32, number: usize) -> Ipv4Addr {
    let [_, _, high, low] = run.to_be_bytes();
    let range = (number / CONNECTIONS_AN_ADDRESS).min(250) as u8;
    // Neither 127.0.0.x, where the servers are, nor the last of a network.
    Ipv4Addr::new(127, 1 + high % 250, low, 1 + range)
}
