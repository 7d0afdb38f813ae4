//! Builds what tests and the demo run into the cache, before they ask for it: `prepare [kubernetes] [helm] [flink]
//! [stores] [prometheus]`.

use std::error::Error;
use std::process::ExitCode;
use std::thread;

use testbed::flink::{FlinkDistribution, FlinkVersion};
use testbed::hdfs::HdfsServer;
use testbed::tools;

fn main() -> ExitCode {
    match std::env::args()
        .skip(1)
        .map(|name| Part::named(&name))
        .collect::<Option<Vec<_>>>()
    {
        Some(parts) if !parts.is_empty() => prepare(&parts),
        _ => {
            eprintln!("usage: prepare [kubernetes] [helm] [flink] [stores] [prometheus]");
            ExitCode::from(2)
        }
    }
}

#[derive(Clone, Copy)]
enum Part {
    Kubernetes,
    Helm,
    Flink,
    Stores,
    Prometheus,
}

impl Part {
    fn named(name: &str) -> Option<Self> {
        match name {
            "kubernetes" => Some(Self::Kubernetes),
            "helm" => Some(Self::Helm),
            "flink" => Some(Self::Flink),
            "stores" => Some(Self::Stores),
            "prometheus" => Some(Self::Prometheus),
            _ => None,
        }
    }

    fn build(self) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Kubernetes => drop(tools::kube_apiserver()?),
            Self::Helm => drop(tools::helm()?),
            Self::Stores => {
                drop(tools::versitygw()?);
                drop(tools::fake_gcs_server()?);
                drop(tools::azurite()?);
                HdfsServer::prepare()?;
            }
            Self::Prometheus => {
                tools::promtool()?;
                tools::prometheus_operator_definitions()?;
            }
            Self::Flink => {
                for version in FlinkVersion::ALL {
                    FlinkDistribution::prepare(version)?;
                }
            }
        }
        Ok(())
    }
}

/// All at once: Go wants the processor, Maven the network. One that fails does not stop the others, so that one run
/// says everything that is missing.
fn prepare(parts: &[Part]) -> ExitCode {
    let complete = thread::scope(|scope| {
        let builds: Vec<_> = parts
            .iter()
            .map(|part| scope.spawn(|| succeeded(*part)))
            .collect();
        builds
            .into_iter()
            .all(|build| build.join().unwrap_or(false))
    });
    if complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn succeeded(part: Part) -> bool {
    match part.build() {
        Ok(()) => true,
        Err(error) => {
            eprintln!("error: {error}");
            false
        }
    }
}
