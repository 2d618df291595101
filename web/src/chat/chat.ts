import type { Player } from "../player";
import type { Clock } from "../session";
import type { Translate } from "../texts";
import type { SidePanel } from "../view/panel";
import { Conversation } from "./conversation";
import {
  type Action,
  actionOf,
  type Answer,
  ANSWER_TYPES,
  answerOf,
  type Product,
  type Raw,
} from "./messages";
import { ChatRoom } from "./room";
import { SceneActions } from "./scene";

/** The offer's name in the side panel. */
const ID = "chat";

/**
 * Offers the chat where the server has one. It is asked over HTTP: a stock server closes the
 * socket of a player that speaks what it does not know.
 */
export function offerChat(
  player: Player,
  panel: SidePanel,
  translate: Translate,
  clock: Clock,
): void {
  let isKnown = false;
  player.onOpen(() => {
    if (!isKnown) {
      isKnown = true;
      void findChat().then((found) => {
        isKnown = found !== undefined; // asked again on the next socket
        if (found) {
          new Chat(player, translate, clock).offerTo(panel);
        }
      });
    }
  });
}

/** Whether the server has a chat; undefined when it did not answer. */
async function findChat(): Promise<boolean | undefined> {
  try {
    const response = await fetch("api/chat", { headers: { Accept: "application/json" } });
    const answer: unknown = response.ok ? await response.json() : {};
    return (answer as { chat?: unknown } | null)?.chat === true;
  } catch {
    return undefined;
  }
}

/** Joins conversation, scene and room with the player. */
class Chat {
  private readonly conversation: Conversation;
  private readonly scene: SceneActions;
  private readonly room: ChatRoom;

  constructor(
    private readonly player: Player,
    private readonly translate: Translate,
    clock: Clock,
  ) {
    this.room = new ChatRoom(translate, clock, () => this.conversation, {
      show: (product) => this.show(product),
      vote: (turn, helpful, productId) => this.vote(turn, helpful, productId),
      again: (turn) => this.conversation.again(turn),
    });
    const { lang } = document.documentElement;
    this.conversation = new Conversation(player, this.room, clock, lang);
    this.scene = new SceneActions(player, clock, (each) => this.room.showProgress(each));
    this.listenToServer();
    this.listenToScene();
  }

  offerTo(panel: SidePanel): void {
    panel.offer({
      id: ID,
      title: this.translate("chatTitle"),
      icon: "chat",
      mount: (room) => this.room.mount(room),
      opened: () => {
        this.room.opened();
        this.conversation.remember();
      },
    });
  }

  private listenToServer(): void {
    for (const type of ANSWER_TYPES) {
      this.player.on<Raw>(type, (raw) => this.hear(raw.id, answerOf(type, raw)));
    }
    this.player.on<Raw>("chatAction", (raw) => this.act(actionOf(raw)));
    this.player.on<Raw>("roomChat", (raw) => this.overhear(raw));
    this.player.on<Raw>("chatHistory", ({ messages }) =>
      this.conversation.heardHistory(messages),
    );
    this.player.on<Raw>("error", (raw) => {
      if (raw.of === "chat") {
        this.conversation.hear("", answerOf("chatError", raw));
      }
    });
    this.player.onOpen(() => this.conversation.opened());
  }

  private listenToScene(): void {
    this.player.onReach(() => this.scene.ready());
    this.player.onResponse("chat", (text) => this.scene.answered(text));
  }

  private hear(id: unknown, answer: Answer): void {
    if (typeof id === "string" && id !== "") {
      this.conversation.hear(id, answer);
    } else if (answer.type === "chatError") {
      this.conversation.historyRefused(answer.retryAfter); // the only request without an id
    }
  }

  /** Somebody else in the room asked, or was answered. */
  private overhear({ playerId, name, role, message }: Raw): void {
    const raw = (message ?? {}) as Raw;
    const id = `${String(playerId)} ${String(raw.id)}`; // another's id may be one of ours
    const type = ANSWER_TYPES.find((each) => each === raw.type);
    if (raw.type === "chat" && typeof raw.text === "string") {
      const who = this.translate(role === "visitor" ? "togetherVisitor" : "togetherGuest");
      const said = { name: String(name || who), text: raw.text };
      this.conversation.overhear(id, this.translate("togetherAsked", said));
    } else if (raw.type === "chatAction") {
      this.act(actionOf(raw));
    } else if (type) {
      this.conversation.hear(id, answerOf(type, raw));
    }
  }

  private act(action: Action | undefined): void {
    if (action) {
      this.scene.do(action);
    }
  }

  private show({ ueAsset, name }: Product): void {
    this.scene.do({ action: "showProduct", arguments: { ueAsset, name } });
  }

  private vote(turn: string, helpful: boolean, productId: string | undefined): void {
    this.conversation.vote(turn, helpful, productId);
    this.room.say(this.translate("chatThanks"));
  }
}
