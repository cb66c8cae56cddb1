/** An agent's tools are known to the model by their names alone. Throws `TypeError` for a name that is there twice. */
export function refuseTwins(agentName: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new TypeError(`Agent ${agentName} has two tools of the name ${name}.`);
    seen.add(name);
  }
}
