import type { DetectorType } from './detector.ts'
import akamai from './detectors/akamai.ts'
import aks from './detectors/aks.ts'
import alibabaEcs from './detectors/alibaba-ecs.ts'
import azure from './detectors/azure.ts'
import azureAppService from './detectors/azure-app-service.ts'
import azureContainerApps from './detectors/azure-container-apps.ts'
import azureFunctions from './detectors/azure-functions.ts'
import consul from './detectors/consul.ts'
import digitalocean from './detectors/digitalocean.ts'
import docker from './detectors/docker.ts'
import dynatrace from './detectors/dynatrace.ts'
import ec2 from './detectors/ec2.ts'
import ecs from './detectors/ecs.ts'
import eks from './detectors/eks.ts'
import elasticBeanstalk from './detectors/elastic-beanstalk.ts'
import env from './detectors/env.ts'
import gcp from './detectors/gcp.ts'
import heroku from './detectors/heroku.ts'
import hetzner from './detectors/hetzner.ts'
import ibmcloudClassic from './detectors/ibmcloud-classic.ts'
import ibmcloudVpc from './detectors/ibmcloud-vpc.ts'
import k8sApi, { k8sNode } from './detectors/k8s-api.ts'
import kubeadm from './detectors/kubeadm.ts'
import lambda from './detectors/lambda.ts'
import nova from './detectors/nova.ts'
import openshift from './detectors/openshift.ts'
import oraclecloud from './detectors/oraclecloud.ts'
import scaleway from './detectors/scaleway.ts'
import system from './detectors/system.ts'
import tencentCvm from './detectors/tencent-cvm.ts'
import upcloud from './detectors/upcloud.ts'
import vultr from './detectors/vultr.ts'

const all: readonly DetectorType[] = [
  akamai,
  aks,
  alibabaEcs,
  azure,
  azureAppService,
  azureContainerApps,
  azureFunctions,
  consul,
  digitalocean,
  docker,
  dynatrace,
  ec2,
  ecs,
  eks,
  elasticBeanstalk,
  env,
  gcp,
  heroku,
  hetzner,
  ibmcloudClassic,
  ibmcloudVpc,
  k8sApi,
  k8sNode,
  kubeadm,
  lambda,
  nova,
  openshift,
  oraclecloud,
  scaleway,
  system,
  tencentCvm,
  upcloud,
  vultr,
]

/** Every detector, by its name in `detectors`. */
export const detectorTypes: ReadonlyMap<string, DetectorType> = new Map(all.map((one) => [one.type, one]))
