/** Azure's resources take a key in a header of their own. */
const AZURE_HOSTS = /\.(openai|services\.ai|cognitiveservices)\.azure\.(com|us|cn)$/;

/** The header in which a key goes to the host of this address. */
export function keyHeader({ hostname }: URL, key: string): Readonly<Record<string, string>> {
  return AZURE_HOSTS.test(hostname) ? { 'api-key': key } : { Authorization: `Bearer ${key}` };
}
