//! The messages of `runtime.v1` that are needed here, with the field numbers
//! of Kubernetes' `api.proto`; fields that aren't needed are left out, which
//! protocol buffers allow.

use prost::Message;

macro_rules! messages {
    ($($name:ident { $($field:tt)* })*) => {
        $(#[derive(Clone, PartialEq, Message)] pub(crate) struct $name { $($field)* })*
    };
}

messages! {
    VersionRequest {
        #[prost(string, tag = "1")] pub(crate) version: String,
    }
    VersionResponse {
        #[prost(string, tag = "2")] pub(crate) runtime_name: String,
        #[prost(string, tag = "3")] pub(crate) runtime_version: String,
    }
    ImageSpec {
        #[prost(string, tag = "1")] pub(crate) image: String,
    }
    PullImageRequest {
        #[prost(message, optional, tag = "1")] pub(crate) image: Option<ImageSpec>,
    }
    PullImageResponse {
        #[prost(string, tag = "1")] pub(crate) image_ref: String,
    }
    ImageStatusRequest {
        #[prost(message, optional, tag = "1")] pub(crate) image: Option<ImageSpec>,
    }
    ImageStatusResponse {
        #[prost(message, optional, tag = "1")] pub(crate) image: Option<Image>,
    }
    Image {
        #[prost(string, repeated, tag = "3")] pub(crate) repo_digests: Vec<String>,
    }
    PodSandboxMetadata {
        #[prost(string, tag = "1")] pub(crate) name: String,
        #[prost(string, tag = "2")] pub(crate) uid: String,
        #[prost(string, tag = "3")] pub(crate) namespace: String,
    }
    NamespaceOption {
        #[prost(int32, tag = "1")] pub(crate) network: i32,
    }
    LinuxSandboxSecurityContext {
        #[prost(message, optional, tag = "1")] pub(crate) namespace_options: Option<NamespaceOption>,
    }
    LinuxPodSandboxConfig {
        #[prost(message, optional, tag = "2")] pub(crate) security_context: Option<LinuxSandboxSecurityContext>,
    }
    PodSandboxConfig {
        #[prost(message, optional, tag = "1")] pub(crate) metadata: Option<PodSandboxMetadata>,
        #[prost(string, tag = "3")] pub(crate) log_directory: String,
        #[prost(message, optional, tag = "8")] pub(crate) linux: Option<LinuxPodSandboxConfig>,
    }
    RunPodSandboxRequest {
        #[prost(message, optional, tag = "1")] pub(crate) config: Option<PodSandboxConfig>,
    }
    RunPodSandboxResponse {
        #[prost(string, tag = "1")] pub(crate) pod_sandbox_id: String,
    }
    ContainerMetadata {
        #[prost(string, tag = "1")] pub(crate) name: String,
    }
    ContainerConfig {
        #[prost(message, optional, tag = "1")] pub(crate) metadata: Option<ContainerMetadata>,
        #[prost(message, optional, tag = "2")] pub(crate) image: Option<ImageSpec>,
        #[prost(string, tag = "11")] pub(crate) log_path: String,
    }
    CreateContainerRequest {
        #[prost(string, tag = "1")] pub(crate) pod_sandbox_id: String,
        #[prost(message, optional, tag = "2")] pub(crate) config: Option<ContainerConfig>,
        #[prost(message, optional, tag = "3")] pub(crate) sandbox_config: Option<PodSandboxConfig>,
    }
    CreateContainerResponse {
        #[prost(string, tag = "1")] pub(crate) container_id: String,
    }
    StartContainerRequest {
        #[prost(string, tag = "1")] pub(crate) container_id: String,
    }
    ContainerStatusRequest {
        #[prost(string, tag = "1")] pub(crate) container_id: String,
    }
    ContainerStatusResponse {
        #[prost(message, optional, tag = "1")] pub(crate) status: Option<ContainerStatus>,
    }
    ContainerStatus {
        #[prost(int32, tag = "3")] pub(crate) state: i32,
        #[prost(int32, tag = "7")] pub(crate) exit_code: i32,
        #[prost(string, tag = "10")] pub(crate) reason: String,
        #[prost(string, tag = "11")] pub(crate) message: String,
    }
    PodSandboxRequest {
        #[prost(string, tag = "1")] pub(crate) pod_sandbox_id: String,
    }
    Empty {}
}

/// `NamespaceMode.NODE`: the pod shares the host's network.
pub(crate) const NETWORK_OF_NODE: i32 = 2;
/// `ContainerState.CONTAINER_RUNNING`.
pub(crate) const RUNNING: i32 = 1;
/// `ContainerState.CONTAINER_EXITED`.
pub(crate) const EXITED: i32 = 2;
