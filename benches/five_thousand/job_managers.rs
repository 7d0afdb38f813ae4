//! All `JobManager`s in one: it answers for any job as Flink 2.3 does.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

const JOB: &str = include_str!("../../tests/fixtures/rest/2.3.0/job.json");
const CHECKPOINTS: &str = include_str!("../../tests/fixtures/rest/2.3.0/checkpoints.json");
const CONFIGURATION: &str = include_str!("../../tests/fixtures/rest/2.3.0/checkpoints-config.json");

/// Where it answers.
pub(crate) async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let service = service_fn(|request: Request<Incoming>| async move {
                    Ok::<_, Infallible>(answer(request.uri().path()))
                });
                // A client that hangs up is none of our business.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    url
}

fn answer(path: &str) -> Response<Full<Bytes>> {
    let mut parts = path.split('/').skip(1);
    let (jobs, id) = (parts.next(), parts.next().unwrap_or_default());
    let rest: Vec<&str> = parts.collect();
    let captured = match (jobs, rest.as_slice()) {
        (Some("jobs"), []) => JOB,
        (Some("jobs"), ["checkpoints"]) => CHECKPOINTS,
        (Some("jobs"), ["checkpoints", "config"]) => CONFIGURATION,
        _ => {
            return Response::builder()
                .status(404)
                .body(Full::new(Bytes::from_static(
                    b"{\"errors\":[\"Not found.\"]}",
                )))
                .unwrap();
        }
    };
    let told: serde_json::Value = serde_json::from_str(JOB).unwrap();
    let told = told["jid"].as_str().unwrap();
    Response::new(Full::new(Bytes::from(captured.replace(told, id))))
}
