import { readFile } from "node:fs/promises";

/** Resident memory and CPU time of a process, as Linux accounts for them. */
export async function usage(pid: number): Promise<{ rssBytes: number; cpuSeconds: number }> {
  const [status, stat] = await Promise.all([readFile(`/proc/${pid}/status`, "utf8"), readFile(`/proc/${pid}/stat`, "utf8")]);
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  // Fields behind the command's name, which may itself hold spaces: 12 and 13 are user and system time in ticks of 10 ms.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { rssBytes: Number(kib) * 1024, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100 };
}
