//! `KEEP=1`: everything runs on, with commands to play with.

use testbed::control_plane::LeftRunning;

use crate::Result;
use crate::cluster::Shell;
use crate::screen::Screen;

pub(crate) fn wanted() -> bool {
    std::env::var_os("KEEP").is_some_and(|keep| !keep.is_empty())
}

pub(crate) fn explain(
    screen: &Screen,
    shell: &Shell,
    cluster: &LeftRunning,
    operator: u32,
    metrics: &str,
) -> Result<()> {
    let LeftRunning {
        processes,
        kubeconfig,
        root,
    } = cluster;
    let programs: Vec<&str> = shell.path.splitn(3, ':').take(2).collect();
    let processes: Vec<String> = processes
        .iter()
        .chain([&operator])
        .map(ToString::to_string)
        .collect();
    screen.say("Everything is left running. To look around:")?;
    screen.gap()?;
    screen.output(&format!(
        "  cd {here}
  export KUBECONFIG={kubeconfig} PATH={programs}:$PATH
  kubectl get ckinv,frp,frr
  kubectl describe frp shop
  kubectl get events --field-selector type=Warning
  curl -s http://{metrics}/metrics
  tail -f operator.log

To end it:

  kill {processes}; rm -rf {here} {root}",
        here = shell.root.display(),
        kubeconfig = kubeconfig.display(),
        programs = programs.join(":"),
        processes = processes.join(" "),
        root = root.display(),
    ))?;
    Ok(())
}
