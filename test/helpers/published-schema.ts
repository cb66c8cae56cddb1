import { fileURLToPath } from 'node:url';
import ts from 'typescript';

// The published package has the realtime protocol as TypeScript types only. This reads them with the compiler and checks values against them.

const TYPES = fileURLToPath(new URL('../../node_modules/openai/resources/realtime/realtime.d.ts', import.meta.url));
const SECRET_TYPES = fileURLToPath(new URL('../../node_modules/openai/resources/realtime/client-secrets.d.ts', import.meta.url));

export interface SchemaOptions {
  /** `Type.member` that may be null on the wire although the types do not say so. */
  readonly nulls?: ReadonlySet<string>;
  /** `Type.member` that the wire has and the types do not. */
  readonly extras?: ReadonlySet<string>;
}

/** Checks values against the exported types of the published package. */
export class PublishedSchema {
  readonly #checker: ts.TypeChecker;
  readonly #files: readonly ts.SourceFile[];
  readonly #nulls: ReadonlySet<string>;
  readonly #extras: ReadonlySet<string>;
  /** The `nulls` and `extras` that were needed so far. */
  readonly used = new Set<string>();

  constructor({ nulls = new Set(), extras = new Set() }: SchemaOptions = {}) {
    const program = ts.createProgram([TYPES, SECRET_TYPES], { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, noEmit: true, types: [] });
    this.#checker = program.getTypeChecker();
    this.#files = [TYPES, SECRET_TYPES].map((name) => program.getSourceFile(name) as ts.SourceFile);
    this.#nulls = nulls;
    this.#extras = extras;
  }

  /** The `type` literals of the members of an exported union. */
  eventTypes(union: string): string[] {
    return members(this.#type(union)).flatMap((member) => {
      const literal = this.#propertyType(member, 'type');
      return literal?.isStringLiteral() === true ? [literal.value] : [];
    });
  }

  /** What is wrong with `value` as a `name`, one line each; empty where nothing is. */
  problems(name: string, value: unknown): string[] {
    return this.#check(this.#type(name), value, name, 0);
  }

  #type(name: string): ts.Type {
    for (const file of this.#files) {
      const symbol = this.#checker.getSymbolAtLocation(file);
      const found = symbol === undefined ? undefined : this.#checker.getExportsOfModule(symbol).find((exported) => exported.name === name);
      if (found !== undefined) return this.#checker.getDeclaredTypeOfSymbol(found);
    }
    throw new Error(`The package has no type ${name}.`);
  }

  #propertyType(type: ts.Type, name: string): ts.Type | undefined {
    const property = type.getProperty(name);
    return property === undefined ? undefined : this.#checker.getTypeOfSymbol(property);
  }

  #check(type: ts.Type, value: unknown, path: string, depth: number): string[] {
    if (depth > 30) throw new Error(`The types at ${path} have no end.`);
    if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return [];
    if (type.isUnion()) return this.#checkUnion(type, value, path, depth);
    if (type.isStringLiteral() || type.isNumberLiteral()) return value === type.value ? [] : [`${path}: ${show(value)} is not ${JSON.stringify(type.value)}`];
    // `string & {}` stands for any text beside the known ones.
    if (type.isIntersection() && type.types.some((part) => part.flags & ts.TypeFlags.String)) return typeof value === 'string' ? [] : [`${path}: ${show(value)} is no string`];
    if (type.flags & ts.TypeFlags.BooleanLiteral) return String(value) === this.#checker.typeToString(type) ? [] : [`${path}: ${show(value)} is not ${this.#checker.typeToString(type)}`];
    if (type.flags & ts.TypeFlags.String) return typeof value === 'string' ? [] : [`${path}: ${show(value)} is no string`];
    if (type.flags & ts.TypeFlags.Number) return typeof value === 'number' && Number.isFinite(value) ? [] : [`${path}: ${show(value)} is no number`];
    if (type.flags & ts.TypeFlags.Null) return value === null ? [] : [`${path}: ${show(value)} is not null`];
    if (type.flags & ts.TypeFlags.Undefined) return value === undefined ? [] : [`${path}: ${show(value)} should be absent`];
    if (this.#checker.isArrayType(type)) {
      const [element] = this.#checker.getTypeArguments(type as ts.TypeReference);
      if (!Array.isArray(value)) return [`${path}: ${show(value)} is no array`];
      return value.flatMap((entry, index) => this.#check(element as ts.Type, entry, `${path}[${index}]`, depth + 1));
    }
    if (type.flags & ts.TypeFlags.Object || type.isIntersection()) return this.#checkObject(type, value, path, depth);
    throw new Error(`The checker does not know the type ${this.#checker.typeToString(type)} at ${path}.`);
  }

  #checkUnion(type: ts.UnionType, value: unknown, path: string, depth: number): string[] {
    // A union of objects that have a literal `type`: the member that says the same is the one that is meant.
    const tag = typeof value === 'object' && value !== null ? (value as { type?: unknown }).type : undefined;
    const tagged = type.types.filter((member) => literalOf(this.#propertyType(member, 'type')) === tag && tag !== undefined);
    // An optional member is one of its type or absent; that it is absent was seen to before.
    const meant = tagged.length > 0 ? tagged : type.types.filter((member) => !(member.flags & ts.TypeFlags.Undefined));
    let fewest: string[] | undefined;
    for (const member of meant) {
      const problems = this.#check(member, value, path, depth + 1);
      if (problems.length === 0) return [];
      if (fewest === undefined || problems.length < fewest.length) fewest = problems;
    }
    return tagged.length > 0 || meant.length === 1 ? (fewest ?? []) : [`${path}: ${show(value)} fits none of ${this.#checker.typeToString(type).slice(0, 120)}`];
  }

  #checkObject(type: ts.Type, value: unknown, path: string, depth: number): string[] {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: ${show(value)} is no object`];
    const name = nameOf(type);
    const given = value as Readonly<Record<string, unknown>>;
    const problems: string[] = [];
    const properties = this.#checker.getPropertiesOfType(type);
    const index = type.getStringIndexType();
    for (const property of properties) {
      const place = `${name}.${property.name}`;
      const present = Object.hasOwn(given, property.name);
      if (!present) {
        if (!(property.flags & ts.SymbolFlags.Optional)) problems.push(`${path}.${property.name}: is missing`);
        continue;
      }
      if (given[property.name] === null && this.#nulls.has(place)) {
        this.used.add(place);
        continue;
      }
      problems.push(...this.#check(this.#checker.getTypeOfSymbol(property), given[property.name], `${path}.${property.name}`, depth + 1).map((problem) => (given[property.name] === null ? `${problem} (${place})` : problem)));
    }
    const known = new Set(properties.map((property) => property.name));
    for (const key of Object.keys(given)) {
      if (known.has(key)) continue;
      if (index !== undefined) problems.push(...this.#check(index, given[key], `${path}.${key}`, depth + 1));
      else if (this.#extras.has(`${name}.${key}`)) this.used.add(`${name}.${key}`);
      else if (properties.length > 0) problems.push(`${path}.${key}: is not known (${name}.${key})`);
    }
    return problems;
  }
}

function members(type: ts.Type): readonly ts.Type[] {
  return type.isUnion() ? type.types : [type];
}

function literalOf(type: ts.Type | undefined): unknown {
  const literal = type?.isUnion() === true ? type.types.find((member) => member.isStringLiteral()) : type;
  return literal?.isStringLiteral() === true ? literal.value : undefined;
}

/** The name under which a nested type is declared: `RealtimeResponse.Audio`. */
function nameOf(type: ts.Type): string {
  const symbol = type.aliasSymbol ?? type.getSymbol();
  const names: string[] = [];
  for (let node: ts.Node | undefined = symbol?.declarations?.[0]; node !== undefined; node = node.parent) {
    if ((ts.isInterfaceDeclaration(node) || ts.isModuleDeclaration(node) || ts.isTypeAliasDeclaration(node)) && ts.isIdentifier(node.name)) names.unshift(node.name.text);
  }
  return names.join('.');
}

function show(value: unknown): string {
  return value === undefined ? 'undefined' : JSON.stringify(value).slice(0, 60);
}
