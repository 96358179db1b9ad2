//! The flags that kubectl has too, and the connection they lead to.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use kube::Config;
use kube::config::{Context, KubeConfigOptions, Kubeconfig, KubeconfigError};

use crate::cluster::{Cluster, Fault};

/// Which cluster is asked, as whom, and for how long.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// The kubeconfig file [default: $KUBECONFIG, or ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    /// The cluster of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    cluster: Option<String>,
    /// The user of the kubeconfig, by whose credentials the cluster is asked
    #[arg(long, global = true, value_name = "NAME")]
    user: Option<String>,
    /// The namespace to look at [default: every namespace; for `explain` and `doctor`, that of the context]
    #[arg(short, long, global = true, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Act as this user; `explain` judges what this user would ask for
    #[arg(long = "as", global = true, value_name = "USER")]
    pub(crate) as_user: Option<String>,
    /// And in this group; may be given several times
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub(crate) as_group: Vec<String>,
    /// Give up a request after this time, such as 30, 5s or 2m; 0 never does
    #[arg(long, global = true, value_name = "TIME", default_value = "0", value_parser = duration)]
    request_timeout: Duration,
    /// The namespace of the gate [default: found by the label of its Pods]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) gate_namespace: Option<String>,
    /// Ask the admin port of a replica here instead of by port-forward, as http://HOST:PORT; may be
    /// given several times. For `tail`, `images`, `console`, `propose` and `diff` it is the operator port
    #[arg(long, global = true, value_name = "URL", value_parser = endpoint)]
    pub(crate) endpoint: Vec<Uri>,
}

/// The flag of commands that look in every namespace unless one is named, for whoever is used to kubectl's.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Everywhere {
    /// Look in every namespace; the default, unless -n names one
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
}

impl Connection {
    /// Connects as the user of the kubeconfig, or as the one of `--as`.
    pub(crate) async fn open(&self) -> Result<Cluster, Fault> {
        self.open_as(self.as_user.as_deref(), &self.as_group).await
    }

    /// Connects as the user of the kubeconfig; `--as` means something else to the command.
    pub(crate) async fn open_as_oneself(&self) -> Result<Cluster, Fault> {
        self.open_as(None, &[]).await
    }

    async fn open_as(&self, user: Option<&str>, groups: &[String]) -> Result<Cluster, Fault> {
        if user.is_none() && !groups.is_empty() {
            return Err(Fault::usage("--as-group needs --as"));
        }
        let mut config = self.config().await?;
        config.default_retry = false;
        if let Some(user) = user {
            config.auth_info.impersonate = Some(user.to_owned());
            config.auth_info.impersonate_groups = (!groups.is_empty()).then(|| groups.to_vec());
        }
        if let Some(namespace) = &self.namespace {
            config.default_namespace.clone_from(namespace);
        }
        let limit = (!self.request_timeout.is_zero()).then_some(self.request_timeout);
        Cluster::new(config, limit)
    }

    async fn config(&self) -> Result<Config, Fault> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
        };
        let kubeconfig = match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let read = match kubeconfig {
            Ok(kubeconfig) => {
                has_user(&kubeconfig, &options)?;
                let proxy = proxy(&kubeconfig, &options);
                let read = Config::from_custom_kubeconfig(kubeconfig, &options).await;
                read.map(|mut config| {
                    config.proxy_url = proxy.or(config.proxy_url);
                    config
                })
            }
            Err(error) => Err(error),
        };
        match read {
            // In a Pod there is no file, and a token in its place.
            Err(KubeconfigError::FindPath | KubeconfigError::ReadConfig(..))
                if self.kubeconfig.is_none()
                    && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() =>
            {
                Config::incluster().map_err(|error| Fault::usage(&error.to_string()))
            }
            read => read.map_err(|error| no_config(&error)),
        }
    }
}

/// The user that is meant is in the kubeconfig. Without this check, whoever mistypes the name asks as nobody.
fn has_user(kubeconfig: &Kubeconfig, options: &KubeConfigOptions) -> Result<(), Fault> {
    let of_context = || context(kubeconfig, options)?.user.as_ref();
    let user = options.user.as_ref().or_else(of_context).filter(|user| !user.is_empty());
    let Some(user) = user else { return Ok(()) };
    if kubeconfig.auth_infos.iter().any(|named| named.name == *user) {
        return Ok(());
    }
    let message = format!("no cluster to ask: there is no user `{user}` in the kubeconfig");
    let hint =
        "`kubectl config view` shows what is read; --as USER acts as somebody who is not in it";
    Err(Fault::usage(&message).with_hint(hint))
}

fn context<'a>(kubeconfig: &'a Kubeconfig, options: &KubeConfigOptions) -> Option<&'a Context> {
    let name = options.context.as_ref().or(kubeconfig.current_context.as_ref());
    let named = kubeconfig.contexts.iter().find(|named| Some(&named.name) == name);
    named?.context.as_ref()
}

/// The proxy that the kubeconfig names for its cluster. As with kubectl it holds whatever `NO_PROXY` says,
/// which is about the variables.
fn proxy(kubeconfig: &Kubeconfig, options: &KubeConfigOptions) -> Option<Uri> {
    let of_context = context(kubeconfig, options).map(|context| &context.cluster);
    let cluster = options.cluster.as_ref().or(of_context);
    let named = kubeconfig.clusters.iter().find(|named| Some(&named.name) == cluster);
    let proxy = named?.cluster.as_ref()?.proxy_url.as_ref()?;
    proxy.parse().ok()
}

fn no_config(error: &KubeconfigError) -> Fault {
    let hint = match error {
        KubeconfigError::LoadContext(_) | KubeconfigError::CurrentContextNotSet => {
            "`kubectl config get-contexts` lists the contexts; --context names one"
        }
        KubeconfigError::FindPath | KubeconfigError::ReadConfig(..) => {
            "name the file with --kubeconfig, or set KUBECONFIG"
        }
        _ => "`kubectl config view` shows what is read",
    };
    Fault::usage(&format!("no cluster to ask: {error}")).with_hint(hint)
}

/// An address with a port to ask, and nothing behind it.
fn endpoint(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|_| "not an address; write it as http://127.0.0.1:8080")?;
    if uri.scheme_str() != Some("http") || uri.host().is_none() || !matches!(uri.path(), "" | "/") {
        return Err(
            "a replica is asked over plain HTTP; write it as http://127.0.0.1:8080".to_owned()
        );
    }
    Ok(uri)
}

/// A duration as kubectl reads one: seconds, or a number with `s`, `m` or `h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.char_indices().next_back() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3600),
        _ => (Some(text), 1),
    };
    let number: u32 = number
        .and_then(|number| number.parse().ok())
        .ok_or("not a time; write it as 30, 5s, 2m or 1h")?;
    Ok(Duration::from_secs(u64::from(number) * unit))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kube::config::{KubeConfigOptions, Kubeconfig};

    use super::{duration, endpoint, has_user};

    #[test]
    fn a_user_is_one_of_the_kubeconfig() {
        let kubeconfig = Kubeconfig::from_yaml(
            "current-context: works\n\
             contexts:\n\
             - {name: works, context: {cluster: a, user: admin}}\n\
             - {name: broken, context: {cluster: a, user: gone}}\n\
             - {name: nobody, context: {cluster: a, user: ''}}\n\
             users:\n\
             - {name: admin, user: {}}\n",
        );
        let kubeconfig = kubeconfig.unwrap();
        for (context, user, unknown) in [
            (None, None, None),
            (None, Some("admin"), None),
            (None, Some("jane"), Some("jane")),
            (Some("broken"), None, Some("gone")),
            (Some("broken"), Some("admin"), None),
            (Some("nobody"), None, None),
            // That there is no such context is said by whoever looks for it.
            (Some("absent"), None, None),
        ] {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let options =
                KubeConfigOptions { context: text(context), cluster: None, user: text(user) };
            let said =
                has_user(&kubeconfig, &options).err().map(|fault| fault.message().to_owned());
            let expected = unknown.map(|user| {
                format!("no cluster to ask: there is no user `{user}` in the kubeconfig")
            });
            assert_eq!(said, expected, "{context:?} {user:?}");
        }
    }

    #[test]
    fn an_endpoint_is_an_address() {
        assert!(endpoint("http://127.0.0.1:8080").is_ok() && endpoint("http://[::1]:1/").is_ok());
        for text in ["127.0.0.1:8080", "https://a:1", "http://a/policy", "http://", ""] {
            assert!(endpoint(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_as_kubectl_does() {
        for (text, seconds) in [("0", 0), ("30", 30), ("5s", 5), ("2m", 120), ("1h", 3600)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "5x", "-1", "1.5s", "5 s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
