//! Where projects name the images of containers other than in a pod spec.
//!
//! Taken from the published schema of each project. A pod spec, or what looks like one, is found
//! without being listed here.

/// The fields of an API group whose values are containers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// Lists of containers.
    lists: &'static [&'static str],
    /// Single containers: mappings with an `image`.
    singles: &'static [&'static str],
}

impl Known {
    /// What is known of an API group.
    pub(super) fn of(group: &str) -> Self {
        match group {
            // `Template` of Workflow, WorkflowTemplate and CronWorkflow.
            "argoproj.io" => Self { lists: &["sidecars"], singles: &["container", "script"] },
            // `VolumeSource` and `KernelBoot` of VirtualMachine and its instances.
            "kubevirt.io" | "pool.kubevirt.io" => {
                Self { lists: &[], singles: &["containerDisk", "container"] }
            }
            // `SparkApplicationSpec` (`spec`, and the `template` of a schedule) and `SparkPodSpec`.
            "sparkoperator.k8s.io" => {
                Self { lists: &["sidecars"], singles: &["spec", "template", "driver", "executor"] }
            }
            // `TaskSpec`, also inside of a Pipeline and its runs; `StepAction` is a step by itself.
            "tekton.dev" => {
                Self { lists: &["steps", "sidecars"], singles: &["stepTemplate", "spec"] }
            }
            _ => Self::default(),
        }
    }

    pub(super) fn is_list(self, key: &str) -> bool {
        self.lists.contains(&key)
    }

    pub(super) fn is_single(self, key: &str) -> bool {
        self.singles.contains(&key)
    }
}
