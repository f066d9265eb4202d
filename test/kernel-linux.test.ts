/** The contract on Linux. Every child of this process is the kernel's: node:child_process must not be used beside it. */
import { kernelContract } from "./kernel-contract.ts";
import { linuxRig } from "./kernel-linux-rig.ts";

kernelContract("linux", linuxRig);
