/** Somebody in the room. */
export interface Person {
  readonly id: string;
  readonly role: Role;
  /** Empty when nobody said it. */
  readonly name: string;
  /** Whether the connection stands; a broken one may come back. */
  readonly isHere: boolean;
}

export type Role = "visitor" | "guest";

/** A place for one guest; its link was told once, when it was made. */
export interface Invitation {
  readonly id: string;
  readonly name: string;
  readonly partnerId: string;
  /** Milliseconds of Unix time. */
  readonly expiresAt: number;
  readonly isUsed: boolean;
  /** The player id of who came by it and is here; else empty. */
  readonly personId: string;
}

/** Something said in the room. */
export interface Said {
  readonly personId: string;
  readonly role: Role;
  readonly name: string;
  readonly text: string;
}

/** How the room stands, as the server tells it. */
export interface RoomState {
  readonly you: string;
  readonly role: Role;
  readonly people: readonly Person[];
  /** Who steers; empty while nobody does. */
  readonly holder: string;
  /** What the visitor watches. */
  readonly streamerId: string | undefined;
  readonly invitations: readonly Invitation[];
  /** What the visitor is called, for guests. */
  readonly visitor: string;
}

/** A message as it came: its fields are looked at one by one. */
export type Raw = Readonly<Record<string, unknown>>;

const MOST = 500;

export function stateOf(raw: Raw): RoomState {
  return {
    you: text(raw.you),
    role: roleOf(raw.role),
    people: items(raw.people).map((each) => ({
      id: text(each.playerId),
      role: roleOf(each.role),
      name: text(each.name),
      isHere: each.here !== false,
    })),
    holder: text(raw.inputHolder),
    streamerId: text(raw.streamerId) || undefined,
    invitations: items(raw.invitations).map(invitationOf),
    visitor: text(raw.visitor),
  };
}

export function invitationOf(raw: Raw): Invitation {
  return {
    id: text(raw.id),
    name: text(raw.name),
    partnerId: text(raw.partnerId),
    expiresAt: typeof raw.expiresAt === "number" ? raw.expiresAt * 1000 : 0,
    isUsed: raw.used === true,
    personId: text(raw.playerId),
  };
}

export function saidOf(raw: Raw): Said {
  return {
    personId: text(raw.playerId),
    role: roleOf(raw.role),
    name: text(raw.name),
    text: text(raw.text),
  };
}

export function historyOf(raw: Raw): readonly Said[] {
  return items(raw.messages).map(saidOf);
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function roleOf(value: unknown): Role {
  return value === "visitor" ? "visitor" : "guest";
}

function items(value: unknown): readonly Raw[] {
  const list: readonly unknown[] = Array.isArray(value) ? value.slice(-MOST) : [];
  return list.filter((each): each is Raw => typeof each === "object" && each !== null);
}
