import { browserSocketUnderTest, scriptedUnderTest, wsClientUnderTest, wsServerUnderTest } from '../helpers/socket-pair.js';
import { transportContract } from './transport.contract.js';

transportContract('the scripted transport', scriptedUnderTest, { canPause: true, canCut: true, sendsEveryCode: true, hasTextBytes: false });
transportContract('the client side of ws', wsClientUnderTest, { canPause: true, canCut: true, sendsEveryCode: true, hasTextBytes: true });
transportContract('the server side of ws', wsServerUnderTest, { canPause: true, canCut: true, sendsEveryCode: true, hasTextBytes: true });
transportContract('the standard WebSocket', browserSocketUnderTest, { canPause: false, canCut: false, sendsEveryCode: false, hasTextBytes: false });
