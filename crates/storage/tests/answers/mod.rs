//! A server that says what a test wants.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that gives one answer to everything.
pub(crate) async fn answering(status: &str, headers: &str, body: &str) -> String {
    let answer = answer(status, headers, body);
    serving(move |_| answer.clone()).await
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A server that answers as it is told to the head of each request.
pub(crate) async fn serving(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut request = Vec::new();
                let end = loop {
                    if let Some(end) = request.windows(4).position(|end| end == b"\r\n\r\n") {
                        break end;
                    }
                    if connection.read_buf(&mut request).await.unwrap_or(0) == 0 {
                        return;
                    }
                };
                let answer = answer(&String::from_utf8_lossy(&request[..end]));
                let _ = connection.write_all(answer.as_bytes()).await;
                let _ = connection.shutdown().await;
                let _ = connection.read_to_end(&mut request).await;
            });
        }
    });
    endpoint
}
